/**
 * `npm run start:distributed`: real processes on a real MySQL and a real RabbitMQ, each of which may start late or
 * stop.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expectData } from '@daybook/client';
import {
  beginDaybook,
  clientOf,
  type DaybookOptions,
  type DaybookProcess,
  failToStart,
  halfHour,
  isRunning,
  makeClinic,
  temporaryFolder,
} from '@daybook/testing';
import { type DistributedServers, distributedServers } from '@daybook/testing/distributed-servers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startTraffic, type TrafficCall } from '../support/steady-traffic.ts';

const program = join(import.meta.dirname, '../../../launcher/src/distributed/main.ts');
const servers = await distributedServers();

/** As our own, with free ports and as few processes as the test needs. */
const SERVICES = [
  { service: 'registry', ports: [0] },
  { service: 'identity' },
  { service: 'notification' },
  { service: 'patient', count: 2 },
  { service: 'doctor' },
  { service: 'appointment', count: 2 },
  { service: 'gateway' },
];
const PROCESSES = 9;

async function optionsIn(folder: string, environment: Record<string, string>) {
  const topology = join(folder, 'topology.json');
  await writeFile(topology, JSON.stringify({ services: SERVICES }));
  const data = join(folder, 'data');
  return {
    data,
    program,
    readyWithinMillis: 120_000,
    environment: { DAYBOOK_TOPOLOGY: topology, ...environment },
  };
}

/** Starts a system that ends with the test, whatever its result. */
function start(options: DaybookOptions) {
  const system = beginDaybook(options);
  onTestFinished(async () => void (await system.end('SIGKILL')));
  return system;
}

/** Returns the processes that are ready, by name. */
function readyProcesses(output: string): ReadonlyMap<string, number> {
  const lines = output.matchAll(/^(\w+#\d+) +ready +http:\S+ +process (\d+)$/gm);
  return new Map([...lines].map(([, name = '', pid]) => [name, Number(pid)]));
}

const pidsIn = (output: string) => new Set([...output.matchAll(/ process (\d+)$/gm)].map(([, pid]) => Number(pid)));

function noProcessIsLeft(system: Pick<DaybookProcess, 'output'>) {
  const pids = [...pidsIn(system.output())];
  expect(pids.length).toBeGreaterThanOrEqual(PROCESSES);
  return expect.poll(() => pids.filter(isRunning), { timeout: 30_000 }).toEqual([]);
}

describe.skipIf(!servers)('every service as processes of its own', () => {
  const withServers = async (test: (own: DistributedServers, folder: string) => Promise<void>) => {
    await using folder = await temporaryFolder();
    if (!servers) throw new Error('there are no servers');
    await using own = await servers();
    await test(own, folder.path);
  };

  it(
    'carries bookings, goes on when one is killed and has it back, and ends with all of them',
    () =>
      withServers(async (own, folder) => {
        const system = await start(await optionsIn(folder, own.environment)).ready;
        expect(readyProcesses(system.output()).size).toBe(PROCESSES);
        const client = clientOf(system);
        const { doctor, patient, type } = await makeClinic(client);
        const body = { doctorId: doctor.id, patientId: patient.id, appointmentTypeId: type.id, start: halfHour(0) };
        const { id } = expectData(await client.POST('/api/v1/appointments', { body }));
        const messages = async () =>
          (await client.GET('/api/v1/notifications', { params: { query: { appointmentId: id } } })).data?.items.length;
        await expect.poll(messages, { timeout: 20_000 }).toBe(1);

        const path = { id };
        const read: TrafficCall = async () => {
          const { response, error } = await client.GET('/api/v1/appointments/{id}', { params: { path } });
          return response.status === 200 ? undefined : `${response.status} ${JSON.stringify(error)}`;
        };
        const traffic = startTraffic([read]);
        await traffic.more(100);
        const killed = readyProcesses(system.output()).get('appointment#1') ?? 0;
        process.kill(killed, 'SIGKILL');
        await traffic.more(200);
        const isBack = () => (readyProcesses(system.output()).get('appointment#1') ?? killed) !== killed;
        await expect.poll(isBack, { timeout: 30_000 }).toBe(true);
        await traffic.more(200);
        expect(await traffic.stop()).toEqual([]);
        expect(system.output()).toMatch(/^appointment#1 +exited unexpectedly \(SIGKILL\), restarts in/m);

        expect(await system.end()).toEqual({ code: 0, signal: null });
        // Clients end before the services that they call.
        const order = [...system.output().matchAll(/^(\w+)#1 +ended$/gm)].map(([, service]) => service);
        expect(order).toEqual(SERVICES.map(({ service }) => service).toReversed());
        await noProcessIsLeft(system);
      }),
    300_000,
  );

  it(
    'seeds empty databases with the demo clinic once, and leaves no process behind when it is killed',
    () =>
      withServers(async (own, folder) => {
        const options = await optionsIn(folder, { ...own.environment, DAYBOOK_DEMO: 'on' });
        const first = await start(options).ready;
        const doctorsAt = async (system: DaybookProcess) =>
          expectData(await clientOf(system).GET('/api/v1/doctors', { params: { query: {} } })).items;
        const doctors = await doctorsAt(first);
        expect(doctors).toHaveLength(5);
        const signInPage = await (await fetch(`${first.url}/identity/sign-in`)).text();
        expect(signInPage.match(/name="role"/g)).toHaveLength(4);
        await first.end('SIGKILL');
        await noProcessIsLeft(first);
        const second = await start(options).ready;
        expect(await doctorsAt(second)).toEqual(doctors);
        await second.end('SIGTERM');
        await noProcessIsLeft(second);
      }),
    300_000,
  );

  it(
    'waits for a database and a broker that come later, and refuses at once until they do',
    () =>
      withServers(async (own, folder) => {
        await own.close();
        const system = start(await optionsIn(folder, own.environment));
        const waiting = /^(\w+#\d) +waiting +(http:\S+)/gm;
        const urls = () =>
          new Map([...system.output().matchAll(waiting)].map(([, name = '', url = '']) => [name, url]));
        await expect.poll(() => urls().size, { timeout: 60_000 }).toBe(PROCESSES);
        for (const part of ['database', 'bus', 'patient-service']) {
          await expect.poll(() => system.output(), { timeout: 20_000 }).toContain(`"dependency":"${part}"`);
        }
        for (const name of ['patient#1', 'gateway#1']) {
          const ready = await fetch(`${urls().get(name)}/health/ready`, { signal: AbortSignal.timeout(5_000) });
          expect(ready.status).toBe(503);
          await ready.body?.cancel();
        }
        const early = await fetch(`${urls().get('gateway#1')}/api/v1/doctors`, { signal: AbortSignal.timeout(5_000) });
        expect(early.status).toBe(503);
        expect(early.headers.get('retry-after')).toMatch(/^\d+$/);
        expect(await early.json()).toMatchObject({ code: 'service-unavailable' });

        await own.open();
        const { doctor } = await makeClinic(clientOf(await system.ready));
        expect(doctor.active).toBe(true);
        // Each process with the dependency has logged it once.
        const matches = [...system.output().matchAll(/^(\w+#\d) .*"dependency":"database".*dependency not ready/gm)];
        expect(new Set(matches.map(([, name]) => name)).size).toBe(matches.length);
        expect(matches.length).toBeGreaterThan(0);
        await system.end();
        await noProcessIsLeft(system);
      }),
    300_000,
  );
});

describe('a start that fails', () => {
  it('ends with 78 without servers, and names the page that explains how to start them', async () => {
    await using folder = await temporaryFolder();
    const failed = await failToStart({ data: folder.path, program });
    expect(failed).toMatchObject({ code: 78 });
    expect(failed.lines).toHaveLength(1);
    for (const words of ['DAYBOOK_MYSQL_URL', 'AMQP_URL', 'docs/running.md']) expect(failed.lines[0]).toContain(words);
  });

  it('ends with 78 when its topology is wrong', async () => {
    await using folder = await temporaryFolder();
    const topology = join(folder.path, 'topology.json');
    await writeFile(topology, JSON.stringify({ services: [{ service: 'pharmacy', count: 0 }] }));
    const failed = await failToStart({ data: folder.path, program, environment: { DAYBOOK_TOPOLOGY: topology } });
    expect(failed).toMatchObject({ code: 78, lines: [expect.stringContaining('/services/0/service must be one of')] });
  });
});
