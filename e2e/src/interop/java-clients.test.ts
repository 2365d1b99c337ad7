/** Programs with the clients of Spring and of Netflix work in our registry, next to our services. */
import {
  type DaybookProcess,
  type ExchangeRecorder,
  registryUsersVariable,
  startDaybook,
  startExchangeRecorder,
  temporaryFolder,
} from '@daybook/testing';
import { BUILD_MILLIS, freePort, type JavaService, javaIsMissing, startJavaClient } from '@daybook/testing/java';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listedAt, request } from './eureka-calls.ts';

const CLIENTS = [
  { name: 'spring-service', path: '/eureka' },
  { name: 'netflix-client', path: '/eureka/v2' },
] as const;
const POLL_OPTIONS = { timeout: 30_000, interval: 100 };

interface Document {
  readonly instance: {
    readonly status: string;
    readonly vipAddress: string;
    readonly port: { readonly $: number };
    readonly leaseInfo: { readonly registrationTimestamp: number; readonly lastRenewalTimestamp: number };
  };
}

const isMissing = javaIsMissing('clients of Spring and Netflix with our registry');

describe.skipIf(isMissing)('our registry and', { timeout: 120_000 }, () => {
  const stack = new AsyncDisposableStack();
  let port: number;
  let data: string;
  let registry: DaybookProcess;
  let patientUrl: string;

  const startRegistry = () =>
    startDaybook({
      data,
      service: 'registry',
      environment: { ...registryUsersVariable, DAYBOOK_SERVICE_PORT: String(port) },
    });
  const startPatient = () => startDaybook({ data, service: 'patient', environment: registryUsersVariable });
  const eurekaUrl = () => `http://127.0.0.1:${port}/eureka`;

  beforeAll(async () => {
    data = stack.use(await temporaryFolder()).path;
    port = await freePort();
    registry = await startRegistry();
    stack.defer(() => registry.end().then(() => undefined));
    const patient = await startPatient();
    stack.defer(() => patient.end().then(() => undefined));
    patientUrl = patient.url;
  });
  afterAll(() => stack.disposeAsync());

  describe.for(CLIENTS)('$name', ({ name, path }) => {
    const own = new AsyncDisposableStack();
    let client: JavaService;
    let recorder: ExchangeRecorder;

    beforeAll(async () => {
      recorder = own.use(await startExchangeRecorder(`http://127.0.0.1:${port}${path}`));
      client = await startJavaClient(name, recorder.url);
      own.defer(() => client.program.end().then(() => undefined));
    }, BUILD_MILLIS);
    afterAll(() => own.disposeAsync());

    const count = (method: string, status: number, part = /./) =>
      recorder.exchanges.filter(
        (one) => one.request.startsWith(`${method} `) && part.test(one.request) && one.status === status,
      ).length;
    const instances = async (service: string) =>
      (await request('GET', `${client.url}/instances?service=${service}`)).body;
    const call = (service: string, path: string) =>
      request('GET', `${client.url}/call?service=${service}&path=${encodeURIComponent(path)}`);
    const id = async () => (await listedAt(eurekaUrl()))?.find((line) => line.startsWith(name))?.split(' ')[0];

    async function ownDocument(): Promise<Document['instance']> {
      const { body } = await request('GET', `${eurekaUrl()}/instances/${encodeURIComponent((await id()) ?? '')}`);
      return (body as Document).instance;
    }

    it('registers where others find it', async () => {
      await expect
        .poll(() => listedAt(eurekaUrl()), POLL_OPTIONS)
        .toContainEqual(expect.stringMatching(`^${name}:.* UP$`));
      const { vipAddress, port: at } = await ownDocument();
      expect({ vipAddress, url: `http://127.0.0.1:${at.$}` }).toEqual({ vipAddress: name, url: client.url });
      expect(await request('GET', `http://127.0.0.1:${at.$}/greeting`)).toMatchObject({ body: { from: name } });
    });

    it('renews its lease, and does not register again', async () => {
      const { registrationTimestamp, lastRenewalTimestamp } = (await ownDocument()).leaseInfo;
      const registrations = count('POST', 204);
      const renewed = async () => (await ownDocument()).leaseInfo.lastRenewalTimestamp;
      await expect.poll(renewed, POLL_OPTIONS).toBeGreaterThan(lastRenewalTimestamp);
      expect((await ownDocument()).leaseInfo.registrationTimestamp).toBe(registrationTimestamp);
      expect([count('POST', 204), count('PUT', 404)]).toEqual([registrations, 0]);
    });

    it('finds our services by their names, and calls them', async () => {
      await expect.poll(() => instances('patient-service'), POLL_OPTIONS).toEqual([patientUrl]);
      expect(await call('patient-service', '/health/live')).toMatchObject({ status: 200 });
      const refused = await call('patient-service', '/api/v1/patients/018f6d2e-7a44-7cc3-9b1a-3b6f2a9d1c55');
      expect(refused).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    });

    it('learns from deltas alone of an instance that comes and goes', async () => {
      const wholeLists = () => count('GET', 200, /\/apps\/(\?|$)/);
      const before = wholeLists();
      const another = await startPatient();
      await expect.poll(() => instances('patient-service'), POLL_OPTIONS).toHaveLength(2);
      await another.end();
      await expect.poll(() => instances('patient-service'), POLL_OPTIONS).toEqual([patientUrl]);
      expect([before, wholeLists()]).toEqual([1, 1]);
      expect(count('GET', 200, /\/apps\/delta/)).toBeGreaterThan(2);
    });

    it('registers again with a registry that was restarted with an empty list', async () => {
      const registrations = count('POST', 204);
      await registry.end('SIGKILL');
      registry = await startRegistry();
      await expect.poll(() => count('PUT', 404), POLL_OPTIONS).toBeGreaterThan(0);
      // Java's client renews and sends changes in two threads, and both may register.
      await expect.poll(() => count('POST', 204), POLL_OPTIONS).toBeGreaterThan(registrations);
      expect((await ownDocument()).status).toBe('UP');
      // The registry may know no other instance for a moment, until they register again.
      await expect.poll(() => instances('patient-service'), POLL_OPTIONS).toEqual([patientUrl]);
      await expect.poll(() => call('patient-service', '/health/live'), POLL_OPTIONS).toMatchObject({ status: 200 });
    });

    it('leaves when it ends', async () => {
      await client.program.end();
      expect(await id()).toBeUndefined();
      expect(count('DELETE', 200)).toBe(1);
    });
  });
});
