import { describe, expect, it } from 'vitest';
import { REPLICATION_HEADER } from '../domain/replication.ts';
import { APP, authorizationOf, document, empty, ID, NOW, startRegistry } from '../testing.ts';

const lease = `apps/${APP}/${ID}`;
const WRITES = [
  ['POST', `apps/${APP}`],
  ['PUT', lease],
  ['PUT', `${lease}/status?value=DOWN`],
  ['DELETE', `${lease}/status`],
  ['PUT', `${lease}/metadata?zone=z9`],
  ['DELETE', lease],
  ['POST', 'peerreplication/batch/'],
  ['POST', 'peerreplication/batch'],
] as const;

const wrong = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
const bodyOf = (method: string, instance: object = document) =>
  method === 'POST' ? JSON.stringify({ instance, replicationList: [] }) : undefined;
const json = { 'content-type': 'application/json' };

describe.each(WRITES)('registry rejects %s %s', (method, path) => {
  const send = async (headers: Record<string, string>) => {
    const registry = await startRegistry();
    await registry.register();
    const response = await registry.fetchPath(method, path, { ...json, ...headers }, bodyOf(method));
    const { instance } = (await registry.call('GET', lease)).json;
    expect(instance).toMatchObject({ status: 'UP', metadata: { zone: 'z1' } });
    return response;
  };

  it.each([
    ['without a user', { authorization: '' }],
    ['with a wrong password', wrong('patient-service:password-of-doctor-service')],
    ['with no password', wrong('patient-service:')],
    ['with an unknown user', wrong('nobody:password-of-nobody')],
    ['with another scheme', { authorization: 'Bearer password-of-patient-service' }],
  ])('with 401 and a challenge %s', async (_what, headers) => {
    const response = await send(headers);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toMatch(/^Basic realm=/);
    expect(await response.text()).toBe('');
  });

  it("with 403 for another application's user", async () => {
    expect((await send(authorizationOf('doctor-service'))).status).toBe(403);
  });
});

describe('registry reads', () => {
  it.each(['apps/', 'apps/delta', `apps/${APP}`, lease, `instances/${ID}`, 'vips/patient-service'])(
    'are open without a user: %s',
    async (path) => {
      const registry = await startRegistry();
      await registry.register();
      expect((await registry.call('GET', path)).status).toBe(200);
    },
  );
});

describe('an operator', () => {
  it('may set and remove the status of any instance', async () => {
    const registry = await startRegistry();
    await registry.register();
    const operator = authorizationOf('operator');
    expect(await registry.call('PUT', `${lease}/status?value=OUT_OF_SERVICE`, operator)).toEqual(empty(200));
    expect(await registry.statusOf()).toBe('OUT_OF_SERVICE');
    expect(await registry.call('DELETE', `${lease}/status`, operator)).toEqual(empty(200));
  });

  it.each(WRITES.filter(([, path]) => !path.includes('/status')))('may not %s %s', async (method, path) => {
    const registry = await startRegistry();
    await registry.register();
    const headers = { ...json, ...authorizationOf('operator') };
    expect(await registry.call(method, path, headers, bodyOf(method))).toEqual(empty(403));
  });
});

describe('a registration under a name of another user is rejected with 403', () => {
  const billing = { ...document, app: 'BILLING-SERVICE', vipAddress: 'billing-service', secureVipAddress: 'billing' };

  it.each([
    ['vipAddress', 'patient-service'],
    ['vipAddress', 'PATIENT-Service'],
    ['vipAddress', 'billing-service, patient-service'],
    ['vipAddress', 'patient-\u017fervice'],
    ['secureVipAddress', 'patient-service'],
    ['secureVipAddress', 'billing-service,,gateway-service'],
    ['vipAddress', 'identity-service'],
    ['vipAddress', 'web-service'],
    ['vipAddress', 'registry'],
    ['vipAddress', 'peer'],
  ])('%s: %s', async (field, value) => {
    const registry = await startRegistry();
    const register = (changes: object) => registry.register({ ...billing, ...changes }, 'apps/BILLING-SERVICE');
    expect(await register({ [field]: value })).toEqual(empty(403));
    expect((await registry.call('GET', 'apps/')).json.applications.application).toEqual([]);
    expect(await register({ [field]: 'billing-service,invoices' })).toEqual(empty(204));
  });

  it('in the path only, in letters whose upper case is ASCII', async () => {
    const registry = await startRegistry();
    const path = `apps/${encodeURIComponent('PATIENT-\u017fERVICE')}`;
    const headers = authorizationOf('doctor-service');
    expect(await registry.register(document, path, headers)).toEqual(empty(403));
  });
});

describe('the replication header of a client that is not a peer', () => {
  it('does not make its call one of a peer', async () => {
    const registry = await startRegistry();
    const headers = { [REPLICATION_HEADER]: 'true', ...authorizationOf('patient-service') };
    const overridden = { ...document, status: 'DOWN', overriddenStatus: 'DOWN' };
    expect(await registry.register(overridden, `apps/${APP}`, headers)).toEqual(empty(204));
    await registry.call('DELETE', `${lease}/status`);
    expect(await registry.statusOf()).toBe('DOWN');
  });
});

describe('a timestamp more than 60 s in the future is rejected with 400', () => {
  const FAR = [NOW + 60_001, 999_999_999_999_999];
  const later = (at: number) => ({ ...document, lastDirtyTimestamp: String(at) });

  it.each(FAR)('in a registration: %d', async (at) => {
    const registry = await startRegistry();
    expect(await registry.register(later(at))).toEqual(empty(400));
    await registry.register();
    expect(await registry.register(later(at))).toEqual(empty(400));
    expect((await registry.call('GET', lease)).json.instance.lastDirtyTimestamp).toBe(String(NOW));
  });

  it.each(FAR)('in a heartbeat, which renews nothing: %d', async (at) => {
    const registry = await startRegistry();
    await registry.register();
    registry.time.now += 1;
    expect(await registry.call('PUT', `${lease}?lastDirtyTimestamp=${at + 1}`)).toEqual(empty(400));
    expect((await registry.call('GET', lease)).json.instance.leaseInfo.lastRenewalTimestamp).toBe(NOW);
  });

  it.each(FAR)('in each entry of a batch: %d', async (at) => {
    const registry = await startRegistry();
    await registry.register();
    const about = { appName: APP, id: ID };
    const replicationList = [
      { ...about, action: 'Register', instanceInfo: later(at) },
      { ...about, action: 'Register', instanceInfo: document, lastDirtyTimestamp: at },
      { ...about, action: 'Heartbeat', lastDirtyTimestamp: at },
      { ...about, action: 'StatusUpdate', status: 'DOWN', lastDirtyTimestamp: at },
      { ...about, action: 'DeleteStatusOverride', lastDirtyTimestamp: at },
      { ...about, action: 'Cancel', lastDirtyTimestamp: at },
    ];
    const { json: response } = await registry.call(
      'POST',
      'peerreplication/batch/',
      json,
      JSON.stringify({ replicationList }),
    );
    expect(response.responseList).toEqual(replicationList.map(() => ({ statusCode: 400 })));
    expect(await registry.statusOf()).toBe('UP');
  });

  it('and one of 60 s is taken', async () => {
    const registry = await startRegistry();
    expect(await registry.register(later(NOW + 60_000))).toEqual(empty(204));
    expect(await registry.call('PUT', `${lease}?lastDirtyTimestamp=${NOW + 60_000}`)).toEqual(empty(200));
  });

  it('but the one that an instance registered with stays good when the clock of the registry is set back', async () => {
    const registry = await startRegistry();
    await registry.register();
    registry.time.now -= 3_600_000;
    expect(await registry.call('PUT', `${lease}?lastDirtyTimestamp=${NOW}`)).toEqual(empty(200));
    expect(await registry.register()).toEqual(empty(204));
  });
});

describe('a live instance keeps its address: 409 for a registration with another', () => {
  it.each([
    ['host', { hostName: 'evil' }],
    ['IP address', { ipAddr: '10.6.6.6' }],
    ['port', { port: { $: 6666, '@enabled': 'true' } }],
    ['secure port', { securePort: { $: 6666, '@enabled': 'false' } }],
    ['secure port that is on', { securePort: { $: 443, '@enabled': 'true' } }],
  ])('%s', async (_what, changes) => {
    const registry = await startRegistry();
    await registry.register();
    for (const lastDirtyTimestamp of [NOW - 1, NOW, NOW + 1].map(String)) {
      expect(await registry.register({ ...document, ...changes, lastDirtyTimestamp })).toEqual(empty(409));
    }
    expect((await registry.call('GET', lease)).json.instance).toMatchObject(document);
  });

  it('until it leaves', async () => {
    const registry = await startRegistry();
    await registry.register();
    await registry.call('DELETE', lease);
    expect(await registry.register({ ...document, hostName: 'host2' })).toEqual(empty(204));
  });

  it('until its lease ends, which heartbeats of the other one do not renew', async () => {
    const registry = await startRegistry();
    await registry.register();
    registry.time.now += 80_000;
    expect(await registry.call('PUT', `${lease}?lastDirtyTimestamp=${NOW + 1}`)).toEqual(empty(404));
    registry.time.now += 10_001;
    expect(await registry.register({ ...document, hostName: 'host2' })).toEqual(empty(204));
  });

  it('but not of a peer, where that was decided', async () => {
    const registry = await startRegistry();
    await registry.register();
    const instanceInfo = { ...document, hostName: 'host2', lastDirtyTimestamp: NOW + 1 };
    const replicationList = [{ appName: APP, id: ID, action: 'Register', instanceInfo }];
    await registry.call('POST', 'peerreplication/batch/', json, JSON.stringify({ replicationList }));
    expect((await registry.call('GET', lease)).json.instance.hostName).toBe('host2');
  });
});
