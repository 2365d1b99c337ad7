/**
 * Measures searches and bookings at the appointment service, with few and with very many stored appointments.
 * Both systems run simultaneously and receive requests alternately, so that other load affects them equally.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DaybookClient, expectData } from '@daybook/client';
import { clientOf, startDaybook } from '@daybook/testing';
import { findServers } from '@daybook/testing/servers';
import { percentile } from './load.ts';
import {
  appointmentsOf,
  DAY_MILLIS,
  DOCTORS,
  FREE_TIMES,
  freeTime,
  openPractice,
  type Practice,
  SPECIALTY,
  today,
} from './practice.ts';
import { mysqlStorage, type Storage, sqliteStorage } from './storage.ts';

const FEW = 10_000;
/** `DAYBOOK_BENCH_APPOINTMENTS=10000000` for ten million on MySQL, which takes some minutes and 10 GB of its disk. */
const MANY = Number(process.env.DAYBOOK_BENCH_APPOINTMENTS || 1_000_000);
const MANY_ON_SQLITE = 1_000_000;
const WARM_UP = 50;
const REQUESTS = 400;

type Line = (name: string, value: string) => void;

/** Returns the URL of a system's appointment service, from its registry. */
async function appointmentServiceOf(folder: string): Promise<string> {
  const { registryUrl }: { registryUrl: string } = JSON.parse(await readFile(join(folder, 'running.json'), 'utf8'));
  const response = await fetch(`${registryUrl}/apps/APPOINTMENT-SERVICE`, {
    headers: { accept: 'application/json' },
    signal: AbortSignal.timeout(5000),
  });
  const url = /"homePageUrl":"([^"]+)"/.exec(await response.text())?.[1];
  if (url === undefined) throw new Error('the registry has no appointment service');
  return url;
}

interface Loaded extends AsyncDisposable {
  readonly client: DaybookClient;
  readonly practice: Practice;
}

async function loadSystem({ data, environment, load }: Storage, appointments: number): Promise<Loaded> {
  const empty = await startDaybook({ data, environment });
  const practice = await openPractice(clientOf(empty));
  await empty.end();
  await load(appointmentsOf(practice, appointments));
  const system = await startDaybook({ data, environment });
  const client = clientOf({ ...system, url: await appointmentServiceOf(data) });
  return { client, practice, [Symbol.asyncDispose]: async () => void (await system.end()) };
}

type SendRequest = (system: Loaded, n: number) => Promise<void>;

const thirtyDays = {
  from: Temporal.Instant.fromEpochMilliseconds(today + DAY_MILLIS).toString(),
  to: Temporal.Instant.fromEpochMilliseconds(today + 31 * DAY_MILLIS).toString(),
};

const searchOne: SendRequest = async ({ client, practice: { doctorIds, typeId } }, n) => {
  const query = { doctorId: doctorIds[n % DOCTORS] ?? '', appointmentTypeId: typeId, ...thirtyDays };
  expectFull(await client.GET('/api/v1/slots', { params: { query } }));
};

const searchSpecialty: SendRequest = async ({ client, practice: { typeId } }) => {
  const query = { specialty: SPECIALTY, appointmentTypeId: typeId, ...thirtyDays };
  expectFull(await client.GET('/api/v1/slots', { params: { query } }));
};

const listWeek: SendRequest = async ({ client, practice: { doctorIds } }, n) => {
  const to = Temporal.Instant.from(thirtyDays.from)
    .add({ hours: 7 * 24 })
    .toString();
  const query = { doctorId: doctorIds[n % DOCTORS] ?? '', from: thirtyDays.from, to, limit: 20 };
  expectFull(await client.GET('/api/v1/appointments', { params: { query } }));
};

function expectFull(response: Parameters<typeof expectData<{ items: unknown[] }>>[0]): void {
  if (expectData(response).items.length !== 20) throw new Error('a search that does not find what is there');
}

const book: SendRequest = async ({ client, practice }, n) => {
  const body = { ...freeTime(practice, n % FREE_TIMES), appointmentTypeId: practice.typeId };
  expectData(await client.POST('/api/v1/appointments', { body }));
};

/** Returns the p50 of each system in milliseconds, with alternating requests. */
async function measureInterleaved(systems: readonly Loaded[], send: SendRequest, count: number): Promise<number[]> {
  const durations = systems.map((): number[] => []);
  for (let n = 0; n < WARM_UP + count; n += 1) {
    for (const [index, system] of systems.entries()) {
      const startedAt = performance.now();
      await send(system, n);
      if (n >= WARM_UP) durations[index]?.push(performance.now() - startedAt);
    }
  }
  return durations.map((ofSystem) =>
    percentile(
      ofSystem.sort((a, b) => a - b),
      0.5,
    ),
  );
}

async function report(line: Line, where: string, create: () => Promise<Storage>, many: number): Promise<void> {
  await using fewRows = await create();
  await using manyRows = await create();
  await using small = await loadSystem(fewRows, FEW);
  const startedAt = performance.now();
  await using large = await loadSystem(manyRows, many);
  line(`${where}: ${many} appointments loaded`, `${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
  const cases: readonly (readonly [string, SendRequest, number])[] = [
    ['slot searches over 30 days, one doctor', searchOne, REQUESTS],
    [`slot searches, a specialty of ${DOCTORS} doctors`, searchSpecialty, REQUESTS / 4],
    ['appointments of a doctor in a week', listWeek, REQUESTS],
    ['bookings, one after the other', book, REQUESTS],
  ];
  for (const [what, send, count] of cases) {
    const [few = 0, more = 0] = await measureInterleaved([small, large], send, count);
    line(
      `${where}: ${what}`,
      `p50 ${few.toFixed(1)} ms with ${FEW} stored, ${more.toFixed(1)} ms with ${many}: ${(more / few).toFixed(2)}`,
    );
  }
}

export async function reportManyAppointments(line: Line): Promise<void> {
  await report(line, 'SQLite', sqliteStorage, MANY_ON_SQLITE);
  const mysql = (await findServers()).get('mysql');
  if (mysql === undefined) return line('MySQL: many appointments', 'no MySQL is available: not measured');
  await report(line, 'MySQL', () => mysqlStorage(mysql), MANY);
}

if (import.meta.main) await reportManyAppointments((name, value) => console.log(`${name.padEnd(58)}${value}`));
