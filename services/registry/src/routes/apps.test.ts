import { describe, expect, it } from 'vitest';
import { APP, document, empty, ID, startRegistry } from '../testing.ts';

describe.each(['/eureka', '/eureka/v2'])('under %s', (prefix) => {
  it('an instance registers, renews, is found and leaves', async () => {
    const { call, register } = await startRegistry({ prefix });
    expect(await register()).toEqual(empty(204));
    expect(await call('PUT', `apps/${APP}/${ID}?status=UP&lastDirtyTimestamp=1700000000000`)).toEqual(empty(200));
    expect((await call('GET', `apps/${APP}/${ID}`)).json.instance).toMatchObject(document);
    expect(await call('DELETE', `apps/${APP}/${ID}`)).toEqual(empty(200));
    expect(await call('DELETE', `apps/${APP}/${ID}`)).toEqual(empty(404));
  });

  it('an unknown path returns 404 without a body', async () => {
    const { call } = await startRegistry({ prefix });
    expect(await call('GET', 'nothing/here')).toEqual(empty(404));
  });
});

describe('a registration', () => {
  it.each(['hostName', 'ipAddr', 'app', 'dataCenterInfo'] as const)(
    'without %s is refused, without a body',
    async (field) => {
      const { [field]: _left, ...rest } = document;
      const { register } = await startRegistry();
      expect(await register(rest)).toEqual(empty(400));
    },
  );

  it("is refused when its app is not the path's", async () => {
    const { register } = await startRegistry();
    expect(await register(document, 'apps/DOCTOR-SERVICE')).toEqual(empty(400));
  });

  it('that is not JSON is refused without a body', async () => {
    const { call } = await startRegistry();
    const headers = { 'content-type': 'application/json' };
    expect(await call('POST', `apps/${APP}`, headers, '{')).toEqual(empty(400));
  });

  it('that is XML is refused without a body', async () => {
    const { call } = await startRegistry();
    expect(await call('POST', `apps/${APP}`, { 'content-type': 'application/xml' }, '<instance/>')).toEqual(empty(400));
  });

  it('loses the fields that Java does not know', async () => {
    const { call, register } = await startRegistry();
    await register({ ...document, somethingNew: true });
    expect((await call('GET', `apps/${APP}/${ID}`)).json.instance).not.toHaveProperty('somethingNew');
  });
});

describe('a heartbeat', () => {
  it('of an unknown instance gets 404 without a body', async () => {
    const { call } = await startRegistry();
    expect(await call('PUT', `apps/${APP}/${ID}?status=UP`)).toEqual(empty(404));
  });

  it('with a newer change gets 404', async () => {
    const { call, register } = await startRegistry();
    await register();
    expect(await call('PUT', `apps/${APP}/${ID}?lastDirtyTimestamp=1700000000001`)).toEqual(empty(404));
  });

  it('is accepted whatever the type of its empty body', async () => {
    const { call, register } = await startRegistry();
    await register();
    for (const type of ['application/json', 'application/xml']) {
      expect(await call('PUT', `apps/${APP}/${ID}?status=UP`, { 'content-type': type })).toEqual(empty(200));
    }
  });

  it('that does not come lets the lease end', async () => {
    const { call, register, time } = await startRegistry();
    await register();
    time.now += 90_001;
    await expect.poll(async () => (await call('GET', `apps/${APP}/${ID}`)).status, { timeout: 3_000 }).toBe(404);
  });
});

describe('a list', () => {
  it('has the shape that Java reads, with one instance and with none', async () => {
    const { call, register } = await startRegistry();
    const none = { applications: { versions__delta: '1', apps__hashcode: '', application: [] } };
    expect((await call('GET', 'apps/')).json).toEqual(none);
    await register();
    const { applications } = (await call('GET', 'apps')).json;
    expect(applications).toMatchObject({ versions__delta: '2', apps__hashcode: 'UP_1_' });
    expect(applications.application).toEqual([{ name: APP, instance: [expect.objectContaining({ instanceId: ID })] }]);
  });

  it('gives numbers, texts and the order of fields as Java expects them', async () => {
    const { call, register } = await startRegistry();
    await register({ ...document, metadata: {} });
    const { instance } = (await call('GET', `apps/${APP}/${ID}`)).json;
    expect(instance).toMatchObject({
      port: { $: 8081, '@enabled': 'true' },
      lastUpdatedTimestamp: '1700000000000',
      lastDirtyTimestamp: '1700000000000',
      actionType: 'ADDED',
      isCoordinatingDiscoveryServer: 'false',
      metadata: { '@class': 'java.util.Collections$EmptyMap' },
    });
    expect(instance.leaseInfo.durationInSecs).toBe(90);
    expect(Object.keys(instance.dataCenterInfo)[0]).toBe('@class');
  });

  it('of one application, by id, by virtual address', async () => {
    const { call, register } = await startRegistry();
    await register();
    expect((await call('GET', `apps/${APP.toLowerCase()}`)).json.application).toMatchObject({
      name: APP,
      instance: [{}],
    });
    expect((await call('GET', `instances/${ID}`)).json.instance.instanceId).toBe(ID);
    expect((await call('GET', 'vips/patient-service')).json.applications.apps__hashcode).toBe('UP_1_');
    expect((await call('GET', 'svips/patient-secure')).json.applications.apps__hashcode).toBe('UP_1_');
  });

  it.each(['vips/none', 'svips/none'])('the list of an unknown virtual address is empty: %s', async (path) => {
    const { call } = await startRegistry();
    const { status, json } = await call('GET', path);
    expect([status, json.applications.application, json.applications.apps__hashcode]).toEqual([200, [], '']);
  });

  it.each(['apps/NONE', 'apps/NONE/1', 'instances/1'])('that does not exist (%s) gets 404', async (path) => {
    const { call } = await startRegistry();
    expect(await call('GET', path)).toEqual(empty(404));
  });
});

describe('an operator', () => {
  it('takes an instance out of service and puts it back', async () => {
    const { call, register } = await startRegistry();
    await register();
    const statusNow = async () => (await call('GET', `apps/${APP}/${ID}`)).json.instance.status;
    expect(await call('PUT', `apps/${APP}/${ID}/status?value=OUT_OF_SERVICE`)).toEqual(empty(200));
    expect(await statusNow()).toBe('OUT_OF_SERVICE');
    expect(await call('DELETE', `apps/${APP}/${ID}/status?value=UP`)).toEqual(empty(200));
    expect(await statusNow()).toBe('UP');
  });

  it('adds metadata', async () => {
    const { call, register } = await startRegistry();
    await register();
    expect(await call('PUT', `apps/${APP}/${ID}/metadata?version=2`)).toEqual(empty(200));
    expect((await call('GET', `apps/${APP}/${ID}`)).json.instance.metadata).toEqual({ zone: 'z1', version: '2' });
  });

  it('cannot set a status that does not exist', async () => {
    const { call, register } = await startRegistry();
    await register();
    expect(await call('PUT', `apps/${APP}/${ID}/status?value=SLEEPING`)).toEqual(empty(400));
  });

  it('gets 404 for an unknown instance', async () => {
    const { call } = await startRegistry();
    expect(await call('PUT', `apps/${APP}/${ID}/status?value=UP`)).toEqual(empty(404));
    expect(await call('DELETE', `apps/${APP}/${ID}/status`)).toEqual(empty(404));
    expect(await call('PUT', `apps/${APP}/${ID}/metadata?a=b`)).toEqual(empty(404));
  });
});
