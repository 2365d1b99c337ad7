/** Whatever is asked of many appointments is found by an index, in its order: read from the plans of the database at hand. */
import { type Database, idToBytes, newId, openDatabase, type SharedTables } from '@daybook/database';
import { databaseKind, freshDatabase } from '@daybook/testing/databases';
import { type CompiledQuery, type Kysely, type KyselyPlugin, type RootOperationNode, sql } from 'kysely';
import { expect, it, onTestFinished } from 'vitest';
import { migrations } from '../../migrations/index.ts';
import { createAppointmentReads } from './appointment-reads.ts';
import { createAppointmentStore } from './appointments.ts';
import { createRecheckStore } from './rechecks.ts';
import type { AppointmentRow, AppointmentTables, ReservationRow } from './tables.ts';

const NOW = Temporal.Instant.from('2026-11-02T08:00:00Z');
const clock = () => NOW;
const HALF_HOUR = 30 * 60_000;
const DOCTORS = 40;
const PATIENTS = 500;
const APPOINTMENTS = 6000;
const staff = { id: 'somebody', role: 'front-desk' } as const;
const service = { id: 'appointment', role: 'service' } as const;

const ids = (count: number) => Array.from({ length: count }, newId);
const [doctors, patients] = [ids(DOCTORS), ids(PATIENTS)];
const doctorId = doctors[7] ?? '';
const patientId = patients[7] ?? '';

/** As years of a clinic look: half of it is over, nearly nothing needs rescheduling. */
function rowsOf(count: number): { appointments: AppointmentRow[]; reservations: ReservationRow[] } {
  const appointments = Array.from({ length: count }, (_, index): AppointmentRow => {
    const starts_at = NOW.epochMilliseconds + (Math.floor(index / DOCTORS) - count / DOCTORS / 2) * HALF_HOUR;
    return {
      id: idToBytes(newId()),
      patient_id: idToBytes(patients[(index * 7) % PATIENTS] ?? ''),
      doctor_id: idToBytes(doctors[index % DOCTORS] ?? ''),
      appointment_type_id: idToBytes(doctorId),
      starts_at,
      ends_at: starts_at + HALF_HOUR,
      time_zone: 'UTC',
      status: starts_at < NOW.epochMilliseconds ? 'fulfilled' : 'booked',
      sequence: 0,
      reason: null,
      needs_rescheduling: index % 500 === 0 ? 1 : 0,
      rescheduling_reasons: null,
      version: 1,
      created_at: 0,
      updated_at: 0,
    };
  });
  const reservations = appointments.map(
    (row): ReservationRow => ({
      resource_id: row.doctor_id,
      cell: row.starts_at / 300_000,
      seat: 0,
      capacity: 1,
      holder_id: row.id,
      expires_at: null,
    }),
  );
  return { appointments, reservations };
}

async function fill(database: Database<AppointmentTables>): Promise<void> {
  const { appointments, reservations } = rowsOf(APPOINTMENTS);
  await database.write(async (tx) => {
    for (let from = 0; from < APPOINTMENTS; from += 500) {
      await tx
        .insertInto('appointments')
        .values(appointments.slice(from, from + 500))
        .execute();
      await tx
        .insertInto('reservations')
        .values(reservations.slice(from, from + 500))
        .execute();
    }
  });
  await database.read((db) =>
    (databaseKind === 'sqlite' ? sql`select 1` : sql`analyze table appointments, reservations`).execute(db),
  );
}

type Db = Kysely<AppointmentTables & SharedTables>;

/** The same database, which notes what it is asked. */
function noting(database: Database<AppointmentTables>): {
  noted: RootOperationNode[];
  asked: Database<AppointmentTables>;
} {
  const noted: RootOperationNode[] = [];
  const plugin: KyselyPlugin = {
    transformQuery({ node }) {
      noted.push(node);
      return node;
    },
    transformResult: async ({ result }) => result,
  };
  const read = <Result>(query: (db: Db) => Promise<Result>) => database.read((db) => query(db.withPlugin(plugin)));
  return { noted, asked: Object.assign(Object.create(database), { read }) };
}

type Step = Readonly<Record<string, unknown>>;

/** In rows: newer servers draw trees unless they are told. */
const EXPLAIN = { sqlite: 'explain query plan', mysql: 'explain format = traditional', mariadb: 'explain' };

async function planOf(db: Db, { sql: text, parameters }: CompiledQuery): Promise<Step[]> {
  const { rows } = await db.executeQuery<Step>({
    ...sql`select 1`.compile(db),
    sql: `${EXPLAIN[databaseKind]} ${text}`,
    parameters,
  });
  return rows;
}

/** What a plan does that takes longer the more rows there are. Only who asks for nothing special reads along a whole index. */
function faultsOf(text: string, steps: readonly Step[]): string[] {
  const asksForAll = !text.includes(' where ');
  if (databaseKind === 'sqlite') {
    const lines = steps.map(({ detail }) => String(detail));
    const isSlow = asksForAll ? /^SCAN (?!.*USING INDEX)|TEMP B-TREE FOR ORDER/ : /^SCAN|TEMP B-TREE FOR ORDER/;
    return lines.filter((line) => isSlow.test(line));
  }
  const slow = asksForAll ? ['ALL'] : ['ALL', 'index'];
  return steps
    .filter(
      ({ type, key, Extra }) =>
        slow.includes(String(type)) || typeof key !== 'string' || String(Extra).includes('filesort'),
    )
    .map((step) => JSON.stringify(step));
}

it('no list, search or look at somebody’s appointments reads all that there are, or sorts them', async () => {
  const database = await openDatabase<AppointmentTables>(await freshDatabase(), migrations);
  onTestFinished(() => database.close());
  await fill(database);
  const { noted, asked } = noting(database);
  const reads = createAppointmentReads(asked, clock);
  const store = createAppointmentStore(asked, clock);
  const [from, to] = ['2026-11-02T00:00:00Z', '2026-11-04T00:00:00Z'];
  const lists = [
    {},
    { patientId },
    { doctorId },
    { patientId, doctorId },
    { from, to },
    { doctorId, from, to },
    { patientId, from },
    { status: 'booked' as const, from },
    { needsRescheduling: true },
    { doctorId, needsRescheduling: true },
  ];
  for (const query of lists) {
    const { nextCursor } = await reads.list(staff, { ...query, limit: 2 });
    if (nextCursor !== undefined) await reads.list(staff, { ...query, limit: 2, cursor: nextCursor });
  }
  const found = await reads.list(staff, { doctorId, from, limit: 1 });
  const id = found.items[0]?.id ?? '';
  await store.find(staff, id);
  await reads.history(staff, id);
  const range = { start: NOW.epochMilliseconds, end: NOW.epochMilliseconds + 20 * HALF_HOUR };
  await store.takenSeats(staff, { resourceIds: [doctorId, patientId], range });
  const recheck = { kind: 'doctor', personId: doctorId, version: 1, attempts: 0 } as const;
  await createRecheckStore(asked, clock).upcoming(service, recheck, found.items[0]);
  expect(noted.length).toBeGreaterThan(20);
  const faults = await database.read(async (db) => {
    const all: string[] = [];
    for (const node of noted) {
      const query = db.getExecutor().compileQuery(node, { queryId: 'plan' });
      all.push(...faultsOf(query.sql, await planOf(db, query)).map((fault) => `${query.sql}: ${fault}`));
    }
    return all;
  });
  expect(faults).toEqual([]);
});
