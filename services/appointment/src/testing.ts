/**
 * Starts the appointment service for this folder's tests.
 * The database is emptied after each test, the clock stands still, and the participant client is in memory.
 * The tests in e2e run all services together.
 */
import { Writable } from 'node:stream';
import {
  Appointment,
  AppointmentPage,
  AppointmentType,
  DAY,
  type EventType,
  History,
  Hold,
  instantTextOfMillis,
  MAX_AVAILABILITY_DAYS,
  MINUTE,
  type NewAppointmentType,
  type PageOf,
  Problem,
  Refusal,
  type Slot,
  SlotExplanation,
  SlotPage,
  toMillis,
} from '@daybook/contracts';
import { type Database, newId, openDatabase } from '@daybook/database';
import { createInProcessBus } from '@daybook/messaging';
import { createLogger, createParser } from '@daybook/service';
import {
  ADMINISTRATOR,
  readAudit,
  readOutbox,
  requestsTo,
  type TestCaller,
  testAuthenticator,
} from '@daybook/service/testing';
import { cleanDatabase } from '@daybook/testing/databases';
import { type KyselyPlugin, type QueryId, type RootOperationNode, sql } from 'kysely';
import { expect, onTestFinished } from 'vitest';
import { migrations } from '../migrations/index.ts';
import { buildApp, createBookingDependencies, NAME } from './app.ts';
import type { DoctorFacts } from './domain/booking/rules.ts';
import type { ParticipantClient, RequestContext } from './domain/ports.ts';
import type { Interval } from './domain/slots/grid.ts';
import { participantChangesConsumer } from './events/consumers.ts';
import { startRevalidationWorker } from './jobs/revalidation-worker.ts';
import { createRevalidationStore } from './store/revalidation.ts';
import type { AppointmentTables } from './store/tables.ts';

export const readAppointment = createParser(Appointment);
export const readProblem = createParser(Problem);
const readType = createParser(AppointmentType);
const readPage = createParser(AppointmentPage);
const readHistory = createParser(History);
const readSlots = createParser(SlotPage);
export const readHold = createParser(Hold);
const readExplanation = createParser(SlotExplanation);

export const at = toMillis;
export const iso = (millis: number): string => instantTextOfMillis(millis);

/** A Monday. */
export const NOW = '2026-11-02T08:00:00.000Z';
export const UNKNOWN_ID = '01890000-0000-7000-8000-000000000000';

/** Returns hours on each day from NOW on, in UTC: `14:00` to `22:00`. */
export function openDaily(from: string, to: string, days = 800): Interval[] {
  const midnight = at(`${NOW.slice(0, 10)}T00:00:00.000Z`);
  const minutes = (time: string) => Temporal.PlainTime.from('00:00').until(time).total('minutes');
  return Array.from({ length: days }, (_, day) => ({
    start: midnight + day * DAY + minutes(from) * MINUTE,
    end: midnight + day * DAY + minutes(to) * MINUTE,
  }));
}

export interface TestDoctor {
  id: string;
  version: number;
  active: boolean;
  timeZone: string;
  specialties: string[];
  offers: ReadonlySet<string> | undefined;
  /** In order, not touching. */
  open: Interval[];
  /** When the clinic is closed. It does not change `open`. */
  closed?: Interval[];
}

function checkRange({ start, end }: Interval): void {
  if (start <= end && end - start <= MAX_AVAILABILITY_DAYS * DAY) return;
  throw new Refusal('service-unavailable', 'A required service sent an unexpected response.', { retryAfterSeconds: 1 });
}

/** Creates a client that responds and rejects as the patient and the doctor service do. */
export function createTestParticipants() {
  const patients = new Map<string, { active: boolean; version: number }>();
  const doctors = new Map<string, TestDoctor>();
  const state = { down: false, responsesLeft: Number.POSITIVE_INFINITY };
  let pause: { received: () => void; over: Promise<void> } | undefined;

  const contexts: RequestContext[] = [];

  async function respond<Result>(context: RequestContext, find: () => Result): Promise<Result> {
    contexts.push(context);
    // Reads the facts now, because others change them while the response is under way.
    const found = find();
    pause?.received();
    await pause?.over;
    state.responsesLeft -= 1;
    if (state.down || state.responsesLeft < 0)
      throw new Refusal('service-unavailable', 'A required service does not respond.', { retryAfterSeconds: 1 });
    return found;
  }

  const factsIn = (
    { id, version, timeZone, active, offers, open, closed }: TestDoctor,
    { start, end }: Interval,
  ): DoctorFacts => ({
    id,
    version,
    timeZone,
    active,
    offers,
    open: open
      .map((hours) => ({ start: Math.max(hours.start, start), end: Math.min(hours.end, end) }))
      .filter((hours) => hours.start < hours.end),
    closed,
  });

  const participants: ParticipantClient = {
    findPatient: (id, context) => respond(context, () => patients.get(id.toLowerCase())),
    findDoctor: (id, range, context) =>
      respond(context, () => {
        checkRange(range);
        const doctor = doctors.get(id.toLowerCase());
        return doctor && factsIn(doctor, range);
      }),
    findDoctors: (specialty, range, context) =>
      respond(context, () => {
        checkRange(range);
        return [...doctors.values()]
          .filter(({ active, specialties }) => active && specialties.includes(specialty))
          .map((doctor) => factsIn(doctor, range));
      }),
  };

  return {
    participants,
    /** The contexts of all requests, in order. */
    contexts,
    /** While `down`, no service responds. After `responsesLeft` responses the services stop, too. */
    state,
    /** Pauses every request from now on. */
    pauseCalls(calls = 1) {
      let missing = calls;
      const [received, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      pause = {
        received() {
          missing -= 1;
          if (missing === 0) received.resolve();
        },
        over: over.promise,
      };
      return {
        /** Resolves when `calls` requests have arrived. */
        received: received.promise,
        resume() {
          pause = undefined;
          over.resolve();
        },
      };
    },
    addPatient(active = true): string {
      const id = newId();
      patients.set(id, { active, version: 1 });
      return id;
    },
    /** Changes a patient as the patient service does. Returns the new version. */
    changePatient(id: string, active: boolean): number {
      const version = (patients.get(id)?.version ?? 0) + 1;
      patients.set(id, { active, version });
      return version;
    },
    /** Changes a doctor as the doctor service does. Returns the new version. */
    changeDoctor(
      doctor: TestDoctor,
      change: Partial<Pick<TestDoctor, 'active' | 'offers' | 'open' | 'closed'>>,
    ): number {
      Object.assign(doctor, change, { version: doctor.version + 1 });
      return doctor.version;
    },
    addDoctor(more: Partial<TestDoctor> = {}): TestDoctor {
      const doctor: TestDoctor = {
        id: newId(),
        version: 1,
        active: true,
        timeZone: 'America/New_York',
        specialties: [],
        offers: undefined,
        open: openDaily('14:00', '22:00'),
        ...more,
      };
      doctors.set(doctor.id, doctor);
      return doctor;
    },
  };
}

const RELEASED_STATUSES = ['cancelled', 'entered-in-error'];
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Returns the reservations as `resource cell seat appointment`, sorted. */
export async function reservationsOf(database: Database<AppointmentTables>): Promise<string[]> {
  const rows = await database.read((db) => db.selectFrom('reservations').selectAll().execute());
  return rows.map((row) => [hex(row.resource_id), row.cell, row.seat, hex(row.holder_id)].join(' ')).sort();
}

/** Reads all tables that `expectReservationsMatch` compares. */
const readCalendar = (database: Database<AppointmentTables>) =>
  database.read(async (db) => ({
    rows: await db.selectFrom('reservations').selectAll().execute(),
    appointments: await db.selectFrom('appointments').selectAll().execute(),
    types: await db.selectFrom('appointment_types').selectAll().execute(),
    holds: await db.selectFrom('holds').selectAll().execute(),
    entries: await db.selectFrom('appointment_history').selectAll().execute(),
  }));

/**
 * Expects that exactly the appointments and holds that keep time have reservations.
 * No doctor or patient has too many simultaneously, except after an overbooking or a merge.
 * At `now`, expired holds keep no time.
 */
export async function expectReservationsMatch(database: Database<AppointmentTables>, now: number): Promise<void> {
  const { rows, appointments, types, holds, entries } = await readCalendar(database);
  const expected: string[] = [];
  const capacities = new Map<string, number>();
  const typeOf = (wanted: Uint8Array) => {
    const type = types.find(({ id }) => hex(id) === hex(wanted));
    if (!type) throw new Error('an appointment without a type');
    return type;
  };
  const expectCells = (resource: Uint8Array, from: number, until: number, holder: string) => {
    for (let time = from; time < until; time += 5 * MINUTE) {
      expected.push(`${hex(resource)} ${time / (5 * MINUTE)} ${holder}`);
    }
  };
  const lasting = appointments.filter(({ status }) => !RELEASED_STATUSES.includes(status));
  for (const holder of [...lasting, ...holds.filter(({ expires_at }) => expires_at > now)]) {
    const type = typeOf(holder.appointment_type_id);
    const of = hex(holder.id);
    capacities.set(of, type.capacity);
    const from = holder.starts_at - type.buffer_before_minutes * MINUTE;
    expectCells(holder.doctor_id, from, holder.ends_at + type.buffer_after_minutes * MINUTE, of);
    if ('patient_id' in holder) expectCells(holder.patient_id, holder.starts_at, holder.ends_at, of);
  }
  const live = rows.filter(({ expires_at }) => expires_at === null || expires_at > now);
  const stored = live.map((row) => `${hex(row.resource_id)} ${row.cell} ${hex(row.holder_id)}`);
  expect(stored.sort()).toEqual(expected.sort());
  const patients = new Set(appointments.map(({ patient_id }) => hex(patient_id)));
  const overbooked = new Set(
    entries.filter(({ entry }) => JSON.parse(entry).overbooked === true).map((row) => hex(row.appointment_id)),
  );
  // After a merge of their patient both visits are kept.
  const merged = new Set(
    appointments.filter((row) => row.rescheduling_reasons?.includes('patient-busy')).map(({ id }) => hex(id)),
  );
  for (const sameCell of Map.groupBy(live, (row) => `${hex(row.resource_id)} ${row.cell}`).values()) {
    const most = sameCell.map(({ holder_id }) => capacities.get(hex(holder_id)) ?? 0);
    const isPatient = sameCell.some(({ resource_id }) => patients.has(hex(resource_id)));
    if (isPatient && sameCell.some(({ holder_id }) => merged.has(hex(holder_id)))) continue;
    if (!isPatient && sameCell.some(({ holder_id }) => overbooked.has(hex(holder_id)))) continue;
    expect(sameCell.length).toBeLessThanOrEqual(isPatient ? 1 : Math.min(...most));
  }
}

/** MySQL returns a cached result to a session that reads its transactions twice within 100 ms. */
export const SEEN = { timeout: 10_000, interval: 150 };

/** Returns how many transactions of this database wait for a participant's row, because tests share the server. */
export async function transactionsWaitingForParticipants(database: Database<AppointmentTables>): Promise<number> {
  const { rows } = await database.read((db) =>
    sql`select trx_id from information_schema.innodb_trx
      where trx_state = 'LOCK WAIT' and trx_query like '%participant_versions%' and trx_mysql_thread_id in
        (select id from information_schema.processlist where db = database())`.execute(db),
  );
  return rows.length;
}

/** Returns the database with a pause: the first transaction with such a query waits after it for `meanwhile`. */
export function pausedAfter(
  database: Database<AppointmentTables>,
  isSuch: (query: RootOperationNode) => boolean,
  meanwhile: () => Promise<unknown>,
): Database<AppointmentTables> {
  let pause: QueryId | undefined;
  const plugin: KyselyPlugin = {
    transformQuery({ node, queryId }) {
      if (isSuch(node)) pause ??= queryId;
      return node;
    },
    async transformResult({ result, queryId }) {
      if (queryId === pause) await meanwhile();
      return result;
    },
  };
  return {
    dialect: database.dialect,
    read: (query) => database.read(query),
    write: (work) => database.write((tx) => work(tx.withPlugin(plugin))),
    onEvents: (listener) => database.onEvents(listener),
    advisoryLock: (what) => database.advisoryLock(what),
    purgeDeleted: () => database.purgeDeleted(),
    check: () => database.check(),
    close: () => database.close(),
  };
}

export async function startAppointments() {
  const database = await openDatabase<AppointmentTables>(await cleanDatabase('appointment'), migrations);
  const time = { now: Temporal.Instant.from(NOW) };
  const others = createTestParticipants();
  const logger = createLogger({ level: 'silent' });
  const clock = () => time.now;
  const app = await buildApp({
    logger,
    authenticator: testAuthenticator(NAME),
    database,
    bus: createInProcessBus(),
    participants: others.participants,
    clock,
    consumers: [],
  });
  let caller: TestCaller = ADMINISTRATOR;
  onTestFinished(async () => {
    await app.close();
    await database.close();
  });

  const call = requestsTo(app, '/api/v1', () => caller);

  let names = 0;
  async function addType(rules: Partial<NewAppointmentType> = {}): Promise<AppointmentType> {
    names += 1;
    const { status, body } = await call('POST', '/appointment-types', {
      name: `Type ${names}`,
      durationMinutes: 30,
      ...rules,
    });
    expect(status).toBe(201);
    return readType(body);
  }

  const revalidations = createRevalidationStore(database, clock);
  const consumer = participantChangesConsumer(database, clock, logger, () => undefined);
  /** Delivers an event of another service to the consumer. */
  const deliver = (type: EventType, subject: string, sequence: number) =>
    consumer.handle({
      specversion: '1.0',
      id: newId(),
      source: '/tests',
      type,
      subject,
      time: clock().toString(),
      datacontenttype: 'application/json',
      sequence,
      data: { patientId: subject },
    });

  const dueRevalidations = () => database.read((db) => db.selectFrom('revalidations').selectAll().execute());
  const startRevalidation = (log = logger) => startRevalidationWorker(others.participants, revalidations, log);

  const post = (path: string, payload?: object, headers?: Record<string, string>) =>
    call('POST', `/appointments${path}`, payload, headers);

  async function slotPage(query: Record<string, string>) {
    const { status, body } = await call('GET', `/slots?${new URLSearchParams(query)}`);
    expect({ status, body }).toMatchObject({ status: 200 });
    return readSlots(body);
  }

  return {
    database,
    time,
    clock,
    call,
    /** For calls of the domain without HTTP. */
    dependencies: createBookingDependencies({ database, participants: others.participants, clock }),
    /** Sends requests as this caller from now on. */
    become(other: TestCaller) {
      caller = other;
    },
    post,
    addType,
    deliver,
    dueRevalidations,
    startRevalidation,
    /** Runs every revalidation that is due. */
    async revalidate() {
      const worker = startRevalidation();
      await expect.poll(dueRevalidations, { timeout: 20_000 }).toEqual([]);
      await worker.close();
    },
    ...others,
    /** Books an appointment that must be bookable. */
    async book(booking: { patientId: string; doctorId: string; appointmentTypeId: string; start: string }) {
      const { status, body } = await post('', booking);
      expect({ status, body }).toMatchObject({ status: 201 });
      return readAppointment(body);
    },
    read: async (id: string) => readAppointment((await call('GET', `/appointments/${id}`)).body),
    history: async (id: string) => readHistory((await call('GET', `/appointments/${id}/history`)).body).items,
    async list(query: Record<string, string>) {
      const { status, body } = await call('GET', `/appointments?${new URLSearchParams(query)}`);
      expect(status).toBe(200);
      return readPage(body);
    },
    async slots(query: Record<string, string>) {
      return (await slotPage(query)).items;
    },
    /** Returns the slots of all pages. */
    async allSlots(query: Record<string, string>) {
      const found: Slot[] = [];
      let next: { cursor?: string } | undefined = {};
      while (next) {
        const { items, nextCursor }: PageOf<Slot> = await slotPage({ ...query, ...next });
        found.push(...items);
        next = nextCursor === undefined ? undefined : { cursor: nextCursor };
      }
      return found;
    },
    async explain(query: Record<string, string>) {
      const { status, body } = await call('GET', `/slots/explanation?${new URLSearchParams(query)}`);
      expect({ status, body }).toMatchObject({ status: 200 });
      return readExplanation(body);
    },
    reservations: () => reservationsOf(database),
    expectReservationsMatch: () => expectReservationsMatch(database, time.now.epochMilliseconds),
    audit: () => readAudit(database),
    /** Returns the events that wait to be published, in the order of the writes, as stored. */
    outbox: () => readOutbox(database),
  };
}

/** Starts a clinic with one type of 30 minutes, one doctor from 14:00 to 22:00 UTC, and one patient. */
export async function startClinic(rules: Partial<NewAppointmentType> = {}) {
  const service = await startAppointments();
  const type = await service.addType(rules);
  const doctor = service.addDoctor();
  const patientId = service.addPatient();
  const bookingRequest = (
    start: string,
    more: { patientId?: string; doctorId?: string; appointmentTypeId?: string } = {},
  ) => ({
    patientId,
    doctorId: doctor.id,
    appointmentTypeId: type.id,
    start,
    ...more,
  });
  return { ...service, type, doctor, patientId, bookingRequest };
}

/** Returns a logger of warnings, its lines, and a function that polls until there is one and parses them. */
export function captureLog() {
  const lines: string[] = [];
  const destination = new Writable({
    write(line, _encoding, done) {
      lines.push(String(line));
      done();
    },
  });
  const readLog = async () => {
    await expect.poll(() => lines.length).toBeGreaterThan(0);
    return lines.map((line) => JSON.parse(line));
  };
  return { lines, readLog, logger: createLogger({ level: 'warn', destination }) };
}
