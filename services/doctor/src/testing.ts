/**
 * Starts the doctor service for this folder's tests.
 * The database is emptied after each test, and the clock stands still.
 */
import {
  Availability,
  Doctor,
  DoctorPage,
  type Hours,
  type NewDoctor,
  type NewScheduleException,
  Problem,
  type Schedule,
  ScheduleException,
  ScheduleExceptionPage,
} from '@daybook/contracts';
import { openDatabase } from '@daybook/database';
import { createInProcessBus } from '@daybook/messaging';
import { createLogger, createParser, type Logger } from '@daybook/service';
import {
  authorizationOf,
  type Method,
  readAudit,
  readOutbox,
  requestsTo,
  type TestCaller,
  testAuthenticator,
} from '@daybook/service/testing';
import { cleanDatabase } from '@daybook/testing/databases';
import { expect, onTestFinished } from 'vitest';
import { migrations } from '../migrations/index.ts';
import { buildApp, NAME } from './app.ts';
import { startClosureAnnouncer } from './jobs/closure-announcer.ts';
import { createClosureAnnouncements } from './store/closure-announcements.ts';
import type { DoctorTables } from './store/tables.ts';

const readDoctor = createParser(Doctor);
const readPage = createParser(DoctorPage);
const readException = createParser(ScheduleException);
const readExceptionPage = createParser(ScheduleExceptionPage);
const readAvailability = createParser(Availability);
export const readProblem = createParser(Problem);

export const UNKNOWN_ID = '01890000-0000-7000-8000-000000000000';

export const noor = {
  givenName: 'Noor',
  familyName: 'Haddad',
  timeZone: 'America/New_York',
} satisfies NewDoctor;

export const off = (start: string, end: string): NewScheduleException => ({ kind: 'time-off', start, end });
export const extra = (start: string, end: string): NewScheduleException => ({ kind: 'extra-hours', start, end });

export const hours = (day: Hours['day'], start: string, end: string): Hours => ({ day, start, end });

const silent = createLogger({ level: 'silent' });

export async function startDoctors(logger: Logger = silent, { hasPublicPage = false } = {}) {
  const database = await openDatabase<DoctorTables>(await cleanDatabase('doctor'), migrations);
  const time = { now: Temporal.Instant.from('2026-03-02T09:00:00.000Z') };
  const announcer = startClosureAnnouncer(
    createClosureAnnouncements(database, () => time.now),
    logger,
  );
  const app = await buildApp({
    logger,
    authenticator: testAuthenticator(NAME, { hasPublicPage }),
    database,
    bus: createInProcessBus(),
    clock: () => time.now,
    announcer,
  });
  onTestFinished(async () => {
    await app.close();
    await announcer.close();
    await database.close();
  });

  const call = requestsTo(app, '/api/v1/doctors');

  /** Returns a function that sends requests of a caller. */
  const callAs =
    (caller: TestCaller) =>
    async (method: Method, path: string, payload?: object, headers: Record<string, string> = {}) =>
      call(method, path, payload, { ...(await authorizationOf(caller, NAME)), ...headers });

  async function register(input: NewDoctor = noor): Promise<Doctor> {
    const { status, body } = await call('POST', '', input);
    expect(status).toBe(201);
    return readDoctor(body);
  }

  async function find(query: Record<string, string>) {
    const { status, body } = await call('GET', `?${new URLSearchParams(query)}`);
    expect(status).toBe(200);
    return readPage(body);
  }

  return {
    database,
    time,
    /** Sends requests about the clinic. */
    clinic: requestsTo(app, '/api/v1/clinic'),
    /** Resolves when every closure is announced. */
    announced: () =>
      expect
        .poll(() => database.read((db) => db.selectFrom('closure_announcements').select('position').execute()), {
          timeout: 20_000,
        })
        .toEqual([]),
    announcer,
    app,
    /** Reads any path. */
    get: (path: string) => requestsTo(app, '')('GET', path),
    call,
    callAs,
    register,
    find,
    /** Registers a doctor with these hours. */
    async registerWith({ timeZone, weeklyHours }: Schedule): Promise<Doctor> {
      const doctor = await register({ ...noor, timeZone });
      expect(await call('PUT', `/${doctor.id}/schedule`, { timeZone, weeklyHours })).toMatchObject({ status: 200 });
      return doctor;
    },
    async addException(id: string, input: NewScheduleException): Promise<ScheduleException> {
      const { status, body } = await call('POST', `/${id}/exceptions`, input);
      expect(status).toBe(201);
      return readException(body);
    },
    async exceptions(id: string, query: Record<string, string> = {}) {
      const { status, body } = await call('GET', `/${id}/exceptions?${new URLSearchParams(query)}`);
      expect(status).toBe(200);
      return readExceptionPage(body);
    },
    read: async (id: string) => readDoctor((await call('GET', `/${id}`)).body),
    /** Returns the open intervals as `start/end`. */
    async open(id: string, from: string, to: string): Promise<string[]> {
      const { body } = await call('GET', `/${id}/availability?${new URLSearchParams({ from, to })}`);
      return readAvailability(body).items.map(({ start, end }) => `${start}/${end}`);
    },
    /** Returns the given names that a search finds, sorted. */
    names: async (query: Record<string, string>) => (await find(query)).items.map(({ givenName }) => givenName).sort(),
    /** Returns the events that wait to be published, in the order of the writes, as stored. */
    audit: () => readAudit(database),
    outbox: () => readOutbox(database),
  };
}
