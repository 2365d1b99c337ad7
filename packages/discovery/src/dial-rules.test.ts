import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createBalancer } from './balancing/balancer.ts';
import { createServiceClient } from './client/service-client.ts';
import { createDialRules, DialForbidden } from './dial-rules.ts';
import { readSnapshot } from './eureka/eureka-responses.ts';
import { InstanceList } from './eureka/instance-list.ts';
import { type Document, documentAt } from './eureka/testing-registry.ts';
import { closeServers, createTestDiscovery, createTestLogger, startServer } from './testing.ts';

afterEach(closeServers);

describe('a caller does not dial', () => {
  it.each([
    '0.0.0.0',
    '0.1.2.3',
    '169.254.169.254',
    '169.254.0.1',
    '100.100.100.200',
    '224.0.0.1',
    '255.255.255.255',
    '[::]',
    '::',
    '[fe80::1]',
    'fe80::1%eth0',
    '[fd00:ec2::254]',
    '[ff02::1]',
    '[::ffff:169.254.169.254]',
    '[::ffff:a9fe:a9fe]',
    '[::169.254.169.254]',
    '[64:ff9b::a9fe:a9fe]',
    '[64:ff9b::169.254.169.254]',
    // SIIT
    '[::ffff:0:169.254.169.254]',
    '[::ffff:0:a9fe:a9fe]',
    // 6to4, whatever follows
    '[2002:a9fe:a9fe::]',
    '[2002:a9fe:a9fe:1:2:3:4:5]',
    '2002:6464:64c8::1%eth0',
    '[2002:0:1::1]',
    // Teredo: the server, and the client with its bits inverted
    '[2001:0:a9fe:a9fe::f7f7:f7f7]',
    '[2001:0:808:808:0:0:5601:5601]',
    '[2001::808:808:0:0:86.1.86.1]',
  ])('%s', (host) => {
    expect(createDialRules().allows(host)).toBe(false);
    // Forbidden even when a setting names all networks.
    expect(createDialRules(['0.0.0.0/0', '::/0']).allows(host)).toBe(false);
  });
});

describe('a caller dials', () => {
  it.each([
    '127.0.0.1',
    '10.0.0.1',
    '192.168.1.1',
    '8.8.8.8',
    '[::1]',
    '[fd00::1]',
    '[64:ff9b::808:808]',
    '[::ffff:0:8.8.8.8]',
    '[2002:808:808::a9fe:a9fe]',
    '[2001:0:808:808::f7f7:f7f7]',
    '[2001:db8::a9fe:a9fe]',
    '[2001:db8:a9fe:a9fe::]',
    'patient-1',
  ])('%s when no setting forbids it', (host) => expect(createDialRules().allows(host)).toBe(true));

  it('only what is in the networks that a setting names', () => {
    const rules = createDialRules(['10.0.0.0/8', '127.0.0.1', 'fd00::/8']);
    for (const host of ['10.1.2.3', '127.0.0.1', '[fd00::1]', '[::ffff:10.1.2.3]'])
      expect(rules.allows(host)).toBe(true);
    for (const host of ['11.0.0.1', '127.0.0.2', '[::1]', '[::ffff:11.0.0.1]']) expect(rules.allows(host)).toBe(false);
  });
});

describe('an instance', () => {
  const listOf = (documents: readonly Document[]) => {
    const list = new InstanceList(createDialRules());
    const application = [{ name: 'PATIENT-SERVICE', instance: documents }];
    list.replace(readSnapshot({ applications: { application } }));
    return list;
  };

  it.each(['169.254.169.254', '2852039166', '0xA9FEA9FE', '0', '::ffff:a9fe:a9fe', 'fe80::1'])(
    'at the forbidden %s is ignored and reported',
    (hostName) => {
      const list = listOf([documentAt(8081), documentAt(80, { hostName, instanceId: 'evil' })]);
      expect(list.instancesOf('patient-service').map(({ url }) => url)).toEqual(['http://127.0.0.1:8081']);
      expect(list.unreadable()).toEqual({ count: 1, reason: 'an instance has an address that may not be dialed' });
    },
  );
});

describe('a name', () => {
  const outcomeOf = (host: string, networks: string[], port: number) =>
    new Promise<string>((resolve) => {
      const socket = connect({ host, port, lookup: createDialRules(networks).lookup });
      socket.once('connect', () => resolve('connected'));
      socket.once('error', (error) => resolve(error instanceof DialForbidden ? 'forbidden' : String(error)));
      socket.once('close', () => socket.destroy());
    });

  it('is dialed at the address that was checked', async () => {
    const { port } = await startServer((_request, response) => response.end());
    expect(await outcomeOf('localhost', [], port)).toBe('connected');
    expect(await outcomeOf('localhost', ['127.0.0.0/8'], port)).toBe('connected');
  });

  it('is not dialed when all its addresses are forbidden', async () => {
    const { port, requests } = await startServer((_request, response) => response.end());
    expect(await outcomeOf('localhost', ['10.0.0.0/8'], port)).toBe('forbidden');
    expect(requests).toEqual([]);
  });
});

describe('a service client', () => {
  it.each(['localhost', '127.0.0.1'])('does not call %s where that is forbidden', async (host) => {
    const server = await startServer((_request, response) => response.end('{}'));
    const discovery = {
      ...createTestDiscovery([`http://${host}:${server.port}`]),
      dialRules: createDialRules(['10.0.0.0/8']),
    };
    const { logger, lines } = createTestLogger();
    const balancer = createBalancer(discovery);
    const client = createServiceClient({ serviceId: 'patient-service', discovery, balancer, logger });
    await expect(client.get('/')).rejects.toMatchObject({ code: 'service-unavailable' });
    expect(server.requests).toEqual([]);
    expect(lines.join()).toContain('DIAL_FORBIDDEN');
    await client.close();
  });
});
