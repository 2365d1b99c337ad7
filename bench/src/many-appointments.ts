/**
 * Slot searches with few and with very many appointments stored, asked of the appointment service itself. Both systems run
 * at the same time and are asked in turns, so that whatever else the machine does weighs on both alike.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient, type DaybookClient, expectData } from '@daybook/client';
import { type DaybookProcess, startDaybook, temporaryFolder } from '@daybook/testing';
import { percentile } from './load.ts';
import { bytesOf, idAt, type LoadedAppointment, loadAppointments } from './loader.ts';

const DOCTORS = 50;
const SPECIALTY = 'bench-medicine';
const DAY_MILLIS = 86_400_000;
const VISIT_MILLIS = 30 * 60_000;
const VISITS_A_DAY = 16;
/** Fully booked; the weeks after that are booked to two thirds. */
const FULL_DAYS = 5;
const BOOKED_DAYS = 17;
const WARM_UP = 30;
const ASKED = 200;

const today = Temporal.Now.zonedDateTimeISO('UTC').startOfDay().epochMilliseconds;

interface Practice {
  readonly doctorIds: readonly string[];
  readonly typeId: string;
}

/** Doctors of one specialty who work from 9 to 17. */
async function openPractice(client: DaybookClient): Promise<Practice> {
  const days = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;
  const weeklyHours = days.map((day) => ({ day, start: '09:00', end: '17:00' }));
  const doctorIds: string[] = [];
  for (let n = 0; n < DOCTORS; n += 1) {
    const body = { givenName: 'Noor', familyName: `Haddad ${n}`, specialties: [SPECIALTY], timeZone: 'UTC' };
    const { id } = expectData(await client.POST('/api/v1/doctors', { body }));
    const hours = { timeZone: 'UTC', weeklyHours };
    expectData(await client.PUT('/api/v1/doctors/{id}/schedule', { params: { path: { id } }, body: hours }));
    doctorIds.push(id);
  }
  const type = await client.POST('/api/v1/appointment-types', { body: { name: 'Visit', durationMinutes: 30 } });
  return { doctorIds, typeId: expectData(type).id };
}

/** What every practice has before it: the same in both systems. */
function* comingWeeks({ doctorIds, typeId }: Practice): Generator<LoadedAppointment> {
  for (const doctorId of doctorIds.map(bytesOf)) {
    for (let day = 1; day <= BOOKED_DAYS; day += 1) {
      for (let n = 0; n < VISITS_A_DAY; n += 1) {
        if (day > FULL_DAYS && n % 3 === 0) continue;
        const start = today + day * DAY_MILLIS + 9 * 3_600_000 + n * VISIT_MILLIS;
        const [id, patientId] = [idAt(start), idAt(start)];
        yield { id, doctorId, patientId, typeId: bytesOf(typeId), start, end: start + VISIT_MILLIS };
      }
    }
  }
}

/** Years of the past: of these doctors, and of many others. In the order of the keys, which is how it loads quickly. */
function* past({ doctorIds, typeId }: Practice, count: number): Generator<LoadedAppointment> {
  const others = Array.from({ length: 450 }, (_, n) => idAt(today + n));
  const all = [...doctorIds.map(bytesOf), ...others];
  const each = Math.ceil(count / all.length);
  const firstDay = today - Math.ceil(each / VISITS_A_DAY) * DAY_MILLIS;
  for (let n = 0; n < count; n += 1) {
    const turn = n % each;
    const day = firstDay + Math.floor(turn / VISITS_A_DAY) * DAY_MILLIS;
    const start = day + 9 * 3_600_000 + (turn % VISITS_A_DAY) * VISIT_MILLIS;
    yield {
      id: idAt(n),
      doctorId: all[Math.floor(n / each)] ?? idAt(today),
      patientId: idAt(n),
      typeId: bytesOf(typeId),
      start,
      end: start + VISIT_MILLIS,
    };
  }
}

/** Where the appointment service of a system listens, as its registry says. */
async function appointmentServiceOf(folder: string): Promise<string> {
  const { registryUrl }: { registryUrl: string } = JSON.parse(await readFile(join(folder, 'running.json'), 'utf8'));
  const answer = await fetch(`${registryUrl}/apps/APPOINTMENT-SERVICE`, {
    headers: { accept: 'application/json' },
    signal: AbortSignal.timeout(5000),
  });
  const url = /"homePageUrl":"([^"]+)"/.exec(await answer.text())?.[1];
  if (url === undefined) throw new Error('the registry knows no appointment service');
  return url;
}

interface Loaded extends AsyncDisposable {
  readonly client: DaybookClient;
  readonly practice: Practice;
}

async function loadSystem(pastAppointments: number): Promise<Loaded> {
  const folder = await temporaryFolder();
  const empty = await startDaybook({ data: folder.path });
  const practice = await openPractice(createClient({ baseUrl: empty.url }));
  await empty.end();
  loadAppointments(folder.path, comingWeeks(practice));
  loadAppointments(folder.path, past(practice, pastAppointments));
  const system: DaybookProcess = await startDaybook({ data: folder.path });
  const client = createClient({ baseUrl: await appointmentServiceOf(folder.path) });
  return {
    client,
    practice,
    async [Symbol.asyncDispose]() {
      await system.end();
      await folder[Symbol.asyncDispose]();
    },
  };
}

type Ask = (system: Loaded, n: number) => Promise<void>;

const thirtyDays = {
  from: Temporal.Instant.fromEpochMilliseconds(today + DAY_MILLIS).toString(),
  to: Temporal.Instant.fromEpochMilliseconds(today + 31 * DAY_MILLIS).toString(),
};

const searchOne: Ask = async ({ client, practice: { doctorIds, typeId } }, n) => {
  const query = { doctorId: doctorIds[n % DOCTORS] ?? '', appointmentTypeId: typeId, ...thirtyDays };
  expectFull(await client.GET('/api/v1/slots', { params: { query } }));
};

const searchSpecialty: Ask = async ({ client, practice: { typeId } }) => {
  const query = { specialty: SPECIALTY, appointmentTypeId: typeId, ...thirtyDays };
  expectFull(await client.GET('/api/v1/slots', { params: { query } }));
};

function expectFull(answer: Parameters<typeof expectData<{ items: unknown[] }>>[0]): void {
  if (expectData(answer).items.length !== 20) throw new Error('a search that does not find what is there');
}

/** The p50 of each system in milliseconds, asked in turns. */
async function inTurns(systems: readonly Loaded[], ask: Ask, count: number): Promise<number[]> {
  const durations = systems.map((): number[] => []);
  for (let n = 0; n < WARM_UP + count; n += 1) {
    for (const [index, system] of systems.entries()) {
      const startedAt = performance.now();
      await ask(system, n);
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

export interface SearchFigures {
  readonly name: string;
  /** With ten thousand appointments stored and with a million, in milliseconds. */
  readonly fewMillis: number;
  readonly manyMillis: number;
}

export async function measureSearches(few: number, many: number): Promise<SearchFigures[]> {
  const coming = DOCTORS * (FULL_DAYS * VISITS_A_DAY + (BOOKED_DAYS - FULL_DAYS) * 10);
  await using small = await loadSystem(Math.max(0, few - coming));
  await using large = await loadSystem(many - coming);
  const [oneFew = 0, oneMany = 0] = await inTurns([small, large], searchOne, ASKED);
  const [allFew = 0, allMany = 0] = await inTurns([small, large], searchSpecialty, ASKED / 2);
  return [
    { name: 'one doctor', fewMillis: oneFew, manyMillis: oneMany },
    { name: `a specialty of ${DOCTORS} doctors`, fewMillis: allFew, manyMillis: allMany },
  ];
}
