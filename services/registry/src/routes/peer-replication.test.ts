import { describe, expect, it } from 'vitest';
import { APP, document, ID, NOW, startRegistry } from '../testing.ts';

type Registry = Awaited<ReturnType<typeof startRegistry>>;

const entry = (action: string, fields: object = {}) => ({ appName: APP, id: ID, action, ...fields });

async function batch({ call }: Registry, ...replicationList: unknown[]) {
  const headers = { 'content-type': 'application/json' };
  const response = await call('POST', 'peerreplication/batch/', headers, JSON.stringify({ replicationList }));
  expect(response.status).toBe(200);
  return response.json.responseList;
}

describe('a batch', () => {
  it('is done in order, with a response for each entry', async () => {
    const registry = await startRegistry();
    const outcomes = await batch(
      registry,
      entry('Register', { instanceInfo: document, lastDirtyTimestamp: NOW, status: 'UP' }),
      entry('Heartbeat', { lastDirtyTimestamp: NOW, status: 'UP', overriddenStatus: null }),
      entry('StatusUpdate', { lastDirtyTimestamp: NOW, status: 'OUT_OF_SERVICE' }),
    );
    expect(outcomes).toEqual([{ statusCode: 200 }, { statusCode: 200 }, { statusCode: 200 }]);
    expect(await registry.statusOf()).toBe('OUT_OF_SERVICE');
    await batch(registry, entry('DeleteStatusOverride', { lastDirtyTimestamp: NOW, status: 'UP' }));
    expect(await registry.statusOf()).toBe('UP');
    expect(await batch(registry, entry('Cancel'), entry('Cancel'))).toEqual([{ statusCode: 200 }, { statusCode: 404 }]);
    expect(await registry.statusOf()).toBeUndefined();
  });

  it('with an entry that cannot be read is done but for that', async () => {
    const registry = await startRegistry();
    const register = entry('Register', { instanceInfo: document });
    const outcomes = await batch(registry, entry('Explode'), null, entry('Register'), register);
    expect(outcomes.map(({ statusCode }: { statusCode: number }) => statusCode)).toEqual([400, 400, 400, 200]);
    expect(await registry.statusOf()).toBe('UP');
  });

  it("is read with its type's name around it, too", async () => {
    const registry = await startRegistry();
    const body = { replicationList: { replicationList: [entry('Register', { instanceInfo: document })] } };
    const headers = { 'content-type': 'application/json' };
    expect((await registry.call('POST', 'peerreplication/batch', headers, JSON.stringify(body))).status).toBe(200);
    expect(await registry.statusOf()).toBe('UP');
  });
});

describe('a heartbeat from a peer', () => {
  it('of an unknown instance is 404, so that the peer registers it', async () => {
    const registry = await startRegistry();
    expect(await batch(registry, entry('Heartbeat', { lastDirtyTimestamp: NOW }))).toEqual([{ statusCode: 404 }]);
  });

  it('of an instance that has changed there is 404', async () => {
    const registry = await startRegistry();
    await registry.register();
    expect(await batch(registry, entry('Heartbeat', { lastDirtyTimestamp: NOW + 1 }))).toEqual([{ statusCode: 404 }]);
  });

  it('of an instance that has changed here is 409 with the instance, for the peer to take', async () => {
    const registry = await startRegistry();
    await registry.register();
    const [outcome] = await batch(registry, entry('Heartbeat', { lastDirtyTimestamp: NOW - 1 }));
    expect(outcome).toMatchObject({ statusCode: 409, responseEntity: document });
  });

  it('renews the lease', async () => {
    const registry = await startRegistry();
    await registry.register();
    registry.time.now += 60_000;
    await batch(registry, entry('Heartbeat', { lastDirtyTimestamp: NOW }));
    const { leaseInfo } = (await registry.call('GET', `instances/${ID}`)).json.instance;
    expect(leaseInfo.lastRenewalTimestamp).toBe(NOW + 60_000);
  });
});

describe('of two registrations', () => {
  it('that of the later change counts, in whatever order they come', async () => {
    const registry = await startRegistry();
    const later = { ...document, lastDirtyTimestamp: String(NOW + 1), metadata: { version: '2' } };
    await registry.register(later);
    await batch(registry, entry('Register', { instanceInfo: document }));
    const { instance } = (await registry.call('GET', `instances/${ID}`)).json;
    expect(instance).toMatchObject({ metadata: { version: '2' }, lastDirtyTimestamp: String(NOW + 1) });
  });

  it('a cancellation of the earlier leaves the later', async () => {
    const registry = await startRegistry();
    await registry.register();
    expect(await batch(registry, entry('Cancel', { lastDirtyTimestamp: NOW - 1 }))).toEqual([{ statusCode: 404 }]);
    expect(await registry.statusOf()).toBe('UP');
  });
});

it('what a peer shows as its override is UP beneath it', async () => {
  const registry = await startRegistry();
  const instanceInfo = { ...document, status: 'OUT_OF_SERVICE', overriddenStatus: 'OUT_OF_SERVICE' };
  await batch(registry, entry('Register', { instanceInfo }));
  expect(await registry.statusOf()).toBe('OUT_OF_SERVICE');
  await registry.call('DELETE', `apps/${APP}/${ID}/status`);
  expect(await registry.statusOf()).toBe('UP');
});
