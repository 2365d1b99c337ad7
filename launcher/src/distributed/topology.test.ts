import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseTopology, readTopology, TopologyFile } from './topology.ts';

const own = join(import.meta.dirname, '../../topology.json');
const parse = (services: unknown) => parseTopology(JSON.stringify({ services }), 'x.json');
const gateway = { service: 'gateway' };

describe('the topology that Daybook comes with', () => {
  it('is right, and has two processes of each service behind the gateway', async () => {
    const entries = await readTopology(own);
    expect(Object.fromEntries(entries.map(({ service, count }) => [service, count]))).toEqual({
      registry: 1,
      identity: 2,
      notification: 2,
      patient: 2,
      doctor: 2,
      appointment: 2,
      gateway: 1,
    });
  });

  it('has each service below those that it calls', async () => {
    const names = (await readTopology(own)).map(({ service }) => service);
    expect(names.indexOf('appointment')).toBeGreaterThan(Math.max(names.indexOf('patient'), names.indexOf('doctor')));
    expect(names.at(-1)).toBe('gateway');
    expect(names[0]).toBe('registry');
  });

  it('names the schema that editors use (vitest -u rewrites it)', async () => {
    expect(JSON.parse(await readFile(own, 'utf8'))).toMatchObject({ $schema: './topology.schema.json' });
    await expect(`${JSON.stringify(TopologyFile, null, 2)}\n`).toMatchFileSnapshot('../../topology.schema.json');
  });
});

describe('a topology', () => {
  it('has one process of a service without a count', () => {
    expect(parse([gateway])).toEqual([{ service: 'gateway', count: 1 }]);
  });

  it.for([
    ['what is not JSON', '{', 'it is not JSON'],
    ['an unknown service', '{"services":[{"service":"pharmacy"}]}', '/services/0/service must be one of'],
    ['too many of one', '{"services":[{"service":"patient","count":21}]}', '/services/0/count must be <= 20'],
    ['an unknown field', '{"services":[{"service":"gateway","cuont":2}]}', '/services/0/cuont is not known'],
    [
      'what is not a port',
      '{"services":[{"service":"gateway","ports":[65536]}]}',
      '/services/0/ports/0 must be <= 65535',
    ],
    ['nothing in it', '{"services":[]}', '/services must NOT have fewer than 1'],
  ] as const)('with %s is refused with 78 and the place', ([, text, words]) => {
    expect(() => parseTopology(text, 'x.json')).toThrow(
      expect.objectContaining({ exitCode: 78, message: expect.stringContaining(words) }),
    );
  });

  it('is refused with all of its contradictions at once', () => {
    const services = [
      { service: 'registry', count: 2 },
      { service: 'patient', count: 2, ports: [7001] },
      { service: 'doctor', ports: [7001] },
      { service: 'doctor' },
    ];
    expect(() => parse(services)).toThrow(
      'The topology x.json is wrong: registry can be there once; its peers are other machines; ' +
        'patient has 2 processes and 1 ports; doctor is there twice; port 7001 is given twice; ' +
        'gateway is missing: the system would have no entry.',
    );
  });

  it('has to name the ports of more than one gateway', () => {
    expect(() => parse([{ ...gateway, count: 2 }])).toThrow('gateway needs the ports of its processes');
    expect(parse([{ ...gateway, count: 2, ports: [8080, 8081] }])).toHaveLength(1);
  });

  it('that cannot be read is refused: 78', async () => {
    await expect(readTopology('/nowhere/topology.json')).rejects.toMatchObject({
      exitCode: 78,
      message: 'The topology /nowhere/topology.json cannot be read (ENOENT).',
    });
  });
});
