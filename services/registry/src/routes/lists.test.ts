import { request } from 'node:http';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { APP, document, empty, ID, startRegistry } from '../testing.ts';

type Registry = Awaited<ReturnType<typeof startRegistry>>;

const deltaOf = async ({ call }: Registry) => {
  const { applications } = (await call('GET', 'apps/delta')).json;
  const instances: Record<string, string>[] = applications.application.flatMap(
    (application: { instance: Record<string, string>[] }) => application.instance,
  );
  return {
    hash: applications.apps__hashcode,
    version: Number(applications.versions__delta),
    changes: instances.map(({ instanceId, actionType }) => `${actionType} ${instanceId}`),
  };
};

describe('the delta', () => {
  it('has what was added, changed and removed, and the hash of the whole list', async () => {
    const registry = await startRegistry();
    for (const instanceId of ['a', 'b', 'c']) await registry.register({ ...document, instanceId });
    await registry.call('PUT', `apps/${APP}/b/status?value=OUT_OF_SERVICE`);
    await registry.call('DELETE', `apps/${APP}/c`);
    const { hash, changes } = await deltaOf(registry);
    expect(hash).toBe('OUT_OF_SERVICE_1_UP_1_');
    expect(changes).toEqual(['ADDED a', 'MODIFIED b', 'DELETED c']);
  });

  it('forgets a change after 180 seconds', async () => {
    const registry = await startRegistry();
    await registry.register();
    registry.time.now += 180_000;
    expect((await deltaOf(registry)).changes).toEqual([`ADDED ${ID}`]);
    registry.time.now += 5_001;
    expect(await deltaOf(registry)).toMatchObject({ hash: 'UP_1_', changes: [] });
  });

  it('has each instance once, as it is now', async () => {
    const registry = await startRegistry();
    await registry.register();
    await registry.call('DELETE', `apps/${APP}/${ID}`);
    await registry.register();
    await registry.call('PUT', `apps/${APP}/${ID}/metadata?version=2`);
    expect((await deltaOf(registry)).changes).toEqual([`MODIFIED ${ID}`]);
  });

  it('rises its version with every change, and not with a renewal', async () => {
    const registry = await startRegistry();
    await registry.register();
    const { version } = await deltaOf(registry);
    await registry.call('PUT', `apps/${APP}/${ID}`);
    expect((await deltaOf(registry)).version).toBe(version);
    await registry.call('DELETE', `apps/${APP}/${ID}`);
    expect((await deltaOf(registry)).version).toBe(version + 1);
  });

  it('is refused with 403 and no body where it is switched off', async () => {
    const { call } = await startRegistry({ delta: false });
    expect(await call('GET', 'apps/delta')).toEqual(empty(403));
  });
});

describe('a compact list', () => {
  const compact = { 'x-eureka-accept': 'compact' };

  it('has what it takes to dial an instance, and nothing else', async () => {
    const { call, register } = await startRegistry();
    await register();
    const { applications } = (await call('GET', 'apps/', compact)).json;
    expect(applications.apps__hashcode).toBe('UP_1_');
    expect(Object.keys(applications.application[0].instance[0]).sort()).toEqual(
      [
        'actionType',
        'app',
        'dataCenterInfo',
        'hostName',
        'instanceId',
        'ipAddr',
        'lastUpdatedTimestamp',
        'port',
        'secureVipAddress',
        'securePort',
        'status',
        'vipAddress',
      ].sort(),
    );
  });

  it('is the delta, an application and a virtual address too, but never one instance', async () => {
    const { call, register } = await startRegistry();
    await register();
    for (const path of ['apps/delta', 'vips/patient-service']) {
      expect((await call('GET', path, compact)).json.applications.application[0].instance[0]).not.toHaveProperty(
        'metadata',
      );
    }
    expect((await call('GET', `apps/${APP}`, compact)).json.application.instance[0]).not.toHaveProperty('metadata');
    expect((await call('GET', `apps/${APP}/${ID}`, compact)).json.instance).toHaveProperty('metadata');
  });

  it("has five of Amazon's facts", async () => {
    const { call, register } = await startRegistry();
    const metadata = { 'instance-id': 'i-1', 'ami-id': 'ami-1', 'local-ipv4': '10.0.0.1' };
    await register({ ...document, dataCenterInfo: { '@class': 'x', name: 'Amazon', metadata } });
    const { dataCenterInfo } = (await call('GET', 'apps/', compact)).json.applications.application[0].instance[0];
    expect(dataCenterInfo).toEqual({
      '@class': 'com.netflix.appinfo.AmazonInfo',
      name: 'Amazon',
      metadata: { 'instance-id': 'i-1', 'local-ipv4': '10.0.0.1' },
    });
    expect((await call('GET', `apps/${APP}/${ID}`)).json.instance.dataCenterInfo.metadata).toEqual(metadata);
  });
});

describe('a list', () => {
  it('is never older than the last change, in any representation', async () => {
    const { fetchPath, register, call } = await startRegistry();
    const kinds = [{}, { accept: 'application/json' }, { 'x-eureka-accept': 'compact' }];
    await register();
    for (const headers of kinds) expect(await (await fetchPath('GET', 'apps/', headers)).text()).toContain('UP_1_');
    await call('PUT', `apps/${APP}/${ID}/status?value=OUT_OF_SERVICE`);
    for (const headers of kinds)
      expect(await (await fetchPath('GET', 'apps/', headers)).text()).toContain('OUT_OF_SERVICE_1_');
  });
});

/** Requests without fetch, which would decompress the response. */
function rawGet(url: string, headers: Record<string, string>): Promise<{ coding: string | undefined; body: Buffer }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ coding: string | undefined; body: Buffer }>();
  const call = request(url, { headers, timeout: 5_000 }, async (response) => {
    resolve({ coding: response.headers['content-encoding'], body: Buffer.concat(await response.toArray()) });
  });
  call.on('error', reject);
  call.end();
  return promise;
}

describe('gzip', () => {
  async function withMany() {
    const registry = await startRegistry();
    for (const instanceId of ['a', 'b', 'c']) await registry.register({ ...document, instanceId });
    return registry;
  }

  it.each(['apps/', 'apps/delta', `apps/${APP}`, 'vips/patient-service'])(
    'is for clients that accept it: %s',
    async (path) => {
      const { base } = await withMany();
      const plain = await rawGet(`${base}/${path}`, { accept: 'application/json' });
      const zipped = await rawGet(`${base}/${path}`, {
        accept: 'application/json',
        'accept-encoding': 'deflate, gzip',
      });
      expect([plain.coding, zipped.coding]).toEqual([undefined, 'gzip']);
      expect(gunzipSync(zipped.body).toString()).toBe(plain.body.toString());
    },
  );

  it('is not for clients that forbid it', async () => {
    const { base } = await withMany();
    expect((await rawGet(`${base}/apps/`, { 'accept-encoding': 'gzip;q=0, br' })).coding).toBeUndefined();
  });

  it('is understood in a registration', async () => {
    const { call, statusOf } = await startRegistry();
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    const body = gzipSync(JSON.stringify({ instance: document }));
    expect(await call('POST', `apps/${APP}`, headers, body)).toEqual(empty(204));
    expect(await statusOf()).toBe('UP');
  });
});
