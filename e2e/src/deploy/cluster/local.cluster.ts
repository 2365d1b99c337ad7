/** Runs `overlays/local` on a real cluster, from creation through updates and losses, under traffic. Run by run.ts. */
import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient, type DaybookClient, expectData } from '@daybook/client';
import { copyOfSources, findRenderer, type Json, type Manifest, render, workloadsOf } from '@daybook/deploy-check';
import { type Clinic, halfHour, makeClinic } from '@daybook/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTraffic, type TrafficCall } from '../../support/steady-traffic.ts';
import { describeGoldenJourney } from '../../system/golden-journey.ts';
import { SIGN_TOKEN } from '../signing.ts';
import { cluster, isReady, kubectl, kubectlWith, NAMESPACE, podsOf, rolledOut, runningPodsOf } from './cluster.ts';
import { costOf, cpuOf, isAfter } from './cost.ts';
import { describeMemory, memoryOf } from './memory.ts';
import { forKubernetes } from './old-kubernetes.ts';
import { makeVolumes } from './volumes.ts';
import { POLL_OPTIONS, waitUntil } from './wait-until.ts';

const SERVICES = ['identity', 'patient', 'doctor', 'appointment', 'notification', 'gateway'] as const;
const deploymentOf = (service: string): string => `${service}-service`;
const SERVERS = ['mysql', 'rabbitmq', 'eureka'] as const;
/** As in the HorizontalPodAutoscalers. */
const PODS = 2;

/** Long enough to measure the CPU at rest. */
const REST_MILLIS = 30_000;
const COUNTED_BOOKINGS = 1_000;

const figures: string[] = [];
const secondsSince = (began: number): string => `${((performance.now() - began) / 1000).toFixed(1)} s`;
afterAll(() => console.log(['', ...figures, ''].join('\n')));

let client: DaybookClient;
let manifests: readonly Manifest[];

/** Renders all manifests in the form that this cluster accepts. */
async function renderForCluster(folder: string): Promise<string> {
  const renderer = await findRenderer();
  if (!renderer) throw new Error('Neither kustomize 5 nor a kubectl that has it is there.');
  await using sources = await copyOfSources();
  manifests = await render(renderer, join(sources.path, 'overlays/local'));
  const minor = Number(/"minor": "(\d+)/.exec(await cluster(['kc', 'get', '--raw', '/version']))?.[1]);
  const volumes = join(folder, 'volumes');
  await mkdir(volumes);
  const items = [...(await makeVolumes(volumes)), ...manifests.map((manifest) => forKubernetes(minor, manifest))];
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

async function becomesReady(service: string): Promise<void> {
  await waitUntil(`${service} is whole`, () => isReady(deploymentOf(service), PODS));
}

async function gatewayUrl(): Promise<string> {
  return `http://${await kubectl('get', 'service', 'gateway-service', '--output=jsonpath={.spec.clusterIP}')}`;
}

const signToken = async (): Promise<string> =>
  (await kubectl('exec', 'deployment/identity-service', '--', 'node', '--input-type=module', '-e', SIGN_TOKEN)).trim();

beforeAll(async () => {
  const folder = process.env.DAYBOOK_TEST_CLUSTER_FOLDER;
  if (!folder) throw new Error('Run `npm run deploy:cluster-test`.');
  const everything = await renderForCluster(folder);
  const began = performance.now();
  await kubectlWith(everything, 'apply', '--filename=-');
  for (const server of SERVERS) await rolledOut('statefulset', server);
  for (const service of SERVICES) await becomesReady(service);
  figures.push(`from nothing to ${PODS} ready pods of each service: ${secondsSince(began)}`);
  client = createClient({ baseUrl: await gatewayUrl(), token: await signToken() });
});

describe('the golden journey, by the Service of the gateway', () => {
  describeGoldenJourney(async () => ({
    client,
    system: {
      async stop(service) {
        await kubectl('scale', 'deployment', deploymentOf(service), '--replicas=0');
        await waitUntil(`${service} is gone`, async () => (await runningPodsOf(deploymentOf(service))).length === 0);
      },
      async restart(service) {
        await kubectl('scale', 'deployment', deploymentOf(service), `--replicas=${PODS}`);
        await becomesReady(service);
      },
    },
  }));
});

interface Booking {
  readonly id: string;
  readonly start: string;
}

/** Returns reads of every kind, and bookings with a key. Records the confirmed ones. */
function trafficCalls(
  clinic: Clinic,
  book: (body: { start: string }) => Promise<string | undefined>,
): readonly TrafficCall[] {
  const { patient, doctor } = clinic;
  const read =
    (what: string, path: () => Promise<{ response: Response }>): TrafficCall =>
    async () => {
      const { response } = await path();
      return response.status === 200 ? undefined : `${what}: ${response.status}`;
    };
  let requested = 0;
  return [
    async () => {
      requested += 1;
      return book({ start: halfHour(requested) });
    },
    read('patient', () => client.GET('/api/v1/patients/{id}', { params: { path: { id: patient.id } } })),
    read('doctor', () => client.GET('/api/v1/doctors/{id}', { params: { path: { id: doctor.id } } })),
    read('messages', () => client.GET('/api/v1/notifications', { params: { query: { appointmentId: patient.id } } })),
  ];
}

const bookingOf = ({ patient, doctor, type }: Clinic) => ({
  patientId: patient.id,
  doctorId: doctor.id,
  appointmentTypeId: type.id,
});

async function post(clinic: Clinic, start: string, key: string): Promise<{ status: number; id?: string | undefined }> {
  const { response, data } = await client.POST('/api/v1/appointments', {
    body: { ...bookingOf(clinic), start },
    headers: { 'Idempotency-Key': key },
  });
  return { status: response.status, id: data?.id };
}

/** Makes one attempt, which must succeed. */
const bookOnce =
  (clinic: Clinic, booked: Booking[]) =>
  async ({ start }: { start: string }): Promise<string | undefined> => {
    const { status, id } = await post(clinic, start, randomUUID());
    if (status !== 201 || id === undefined) return `booking: ${status}`;
    booked.push({ id, start });
    return undefined;
  };

async function expectAllThere(clinic: Clinic, booked: readonly Booking[]): Promise<void> {
  for (const { id, start } of booked) {
    const found = expectData(await client.GET('/api/v1/appointments/{id}', { params: { path: { id } } }));
    expect(found).toMatchObject({ ...bookingOf(clinic), start, status: 'booked' });
  }
}

async function expectOneMessageEach(booked: readonly Booking[]): Promise<void> {
  for (const { id } of booked) {
    const kinds = async () => {
      const response = await client.GET('/api/v1/notifications', { params: { query: { appointmentId: id } } });
      return response.data?.items.map(({ kind }) => kind);
    };
    await expect.poll(kinds, POLL_OPTIONS).toEqual(['booked']);
  }
}

describe('under traffic', () => {
  let clinic: Clinic;
  const booked: Booking[] = [];
  beforeAll(async () => {
    clinic = await makeClinic(client);
  });

  async function failuresDuring(what: string, change: (service: string) => Promise<void>): Promise<readonly string[]> {
    const traffic = startTraffic(trafficCalls(clinic, bookOnce(clinic, booked)));
    const began = performance.now();
    await traffic.more(20);
    for (const service of SERVICES) await change(service);
    await traffic.more(20);
    const failures = await traffic.stop();
    figures.push(`${what}: ${traffic.done} requests in ${secondsSince(began)}, ${failures.length} failed`);
    clinic = await makeClinic(client);
    return failures;
  }

  it('a rolling update of every service fails no request', async () => {
    const failures = await failuresDuring('rolling update of every service', async (service) => {
      await kubectl('rollout', 'restart', `deployment/${deploymentOf(service)}`);
      await rolledOut('deployment', deploymentOf(service));
      await becomesReady(service);
    });
    expect(failures).toEqual([]);
  });

  it('a pod of every service that is drained fails no request, and a second one is not allowed meanwhile', async () => {
    const failures = await failuresDuring('a drained pod of every service', async (service) => {
      const [one, other] = await podsOf(deploymentOf(service));
      await evict(one);
      await expect(evict(other)).rejects.toThrow(/disruption budget/);
      await waitUntil(`${one} has ended`, async () => !(await runningPodsOf(deploymentOf(service))).includes(`${one}`));
      await becomesReady(service);
    });
    expect(failures).toEqual([]);
  });
});

/** Evicts a pod as `kubectl drain` does. */
async function evict(pod: string | undefined): Promise<void> {
  if (pod === undefined) throw new Error('There is no pod to evict.');
  const eviction = { apiVersion: 'policy/v1beta1', kind: 'Eviction', metadata: { name: pod, namespace: NAMESPACE } };
  await kubectlWith(
    JSON.stringify(eviction),
    'create',
    '--raw',
    `/api/v1/namespaces/${NAMESPACE}/pods/${pod}/eviction`,
    '--filename=-',
  );
}

describe('a MySQL pod that is deleted', () => {
  /** Repeats a booking with the same key until it is confirmed. */
  const bookUntilConfirmed =
    (clinic: Clinic, booked: Booking[], outage: Outage) =>
    async ({ start }: { start: string }): Promise<string | undefined> => {
      const key = randomUUID();
      const deadline = performance.now() + POLL_OPTIONS.timeout;
      while (performance.now() < deadline) {
        const { status, id } = await post(clinic, start, key);
        if (status === 201 && id !== undefined) {
          booked.push({ id, start });
          outage.worked();
          return undefined;
        }
        // Unavailable or timed out, both of which the key makes safe to repeat.
        if (status !== 503 && status !== 504) return `booking: ${status}`;
        outage.failed();
        await sleep(200);
      }
      return 'booking: never confirmed';
    };

  it('loses nothing: what was confirmed is there, once, with its message, and clients that retry notice no more than a pause', async () => {
    const clinic = await makeClinic(client);
    const booked: Booking[] = [];
    const outage = createOutage();
    const [book] = trafficCalls(clinic, bookUntilConfirmed(clinic, booked, outage));
    if (!book) throw new Error('There is no pod to call.');
    const traffic = startTraffic([book]);
    await traffic.more(30);
    await kubectl('delete', 'pod', 'mysql-0', '--grace-period=1');
    await waitUntil('bookings work again', async () => outage.isOver());
    await rolledOut('statefulset', 'mysql');
    await traffic.more(30);
    expect(await traffic.stop()).toEqual([]);
    figures.push(`deleted MySQL pod: ${booked.length} bookings confirmed around it, none for ${outage.seconds()} s`);
    await expectAllThere(clinic, booked);
    expect(new Set(booked.map(({ start }) => start)).size).toBe(booked.length);
    await expectOneMessageEach(booked);
  });
});

interface Outage {
  failed(): void;
  worked(): void;
  isOver(): boolean;
  seconds(): string;
}

/** Measures from the first failure to the first success after the last failure. */
function createOutage(): Outage {
  let [first, last, after] = [0, 0, 0];
  return {
    failed() {
      last = performance.now();
      first ||= last;
    },
    worked() {
      if (last > 0 && after < last) after = performance.now();
    },
    isOver: () => last > 0 && after > last,
    seconds: () => ((after - first) / 1000).toFixed(1),
  };
}

const nodeName = (): Promise<string> => cluster(['kc', 'get', 'nodes', '--output=jsonpath={.items[0].metadata.name}']);

async function statsOfNode(): Promise<Json> {
  return JSON.parse(await cluster(['kc', 'get', '--raw', `/api/v1/nodes/${await nodeName()}/proxy/stats/summary`]));
}

describe('what it takes', () => {
  it('is counted: the time of a core that a booking costs each part', async () => {
    const names = workloadsOf(manifests).map(({ name }) => name);
    /** Waits for counters from after now, because they are read every few seconds. */
    const countersFromNow = async () => {
      const now = Temporal.Now.instant();
      let found = cpuOf(await statsOfNode(), names);
      const isNew = async () => {
        found = cpuOf(await statsOfNode(), names);
        return isAfter(found, now);
      };
      await waitUntil('the counters are new', isNew);
      return found;
    };
    const clinic = await makeClinic(client);
    const booked: Booking[] = [];
    const [book] = trafficCalls(clinic, bookOnce(clinic, booked));
    if (!book) throw new Error('There is no pod to call.');
    const rest = await countersFromNow();
    await sleep(REST_MILLIS);
    const begin = await countersFromNow();
    const began = performance.now();
    const traffic = startTraffic([book]);
    await traffic.more(COUNTED_BOOKINGS);
    expect(await traffic.stop()).toEqual([]);
    figures.push(`${booked.length} bookings, 8 callers, each pausing for 20 ms: ${secondsSince(began)}`);
    await expectOneMessageEach(booked.slice(-1));
    const end = await countersFromNow();
    for (const name of names) {
      const millis = (costOf(name, [rest, begin, end]) / booked.length) * 1000;
      figures.push(`a booking takes ${millis.toFixed(1)} ms of a core in ${name}`);
    }
  });

  it('is no more memory than was requested', async () => {
    const found = memoryOf(await statsOfNode(), workloadsOf(manifests));
    figures.push(...found.map(describeMemory));
    for (const { name, bytes, requested } of found) {
      expect(bytes, name).toBeGreaterThan(0);
      expect(bytes, name).toBeLessThanOrEqual(requested);
    }
  });
});
