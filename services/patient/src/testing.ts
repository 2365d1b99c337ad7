/**
 * Starts the patient service for this folder's tests.
 * The database is emptied after each test, and the clock stands still.
 */
import {
  type AppointmentEventData,
  type CloudEvent,
  type ConsumedType,
  type NewPatient,
  Patient,
  PatientPage,
  Problem,
} from '@daybook/contracts';
import { newId, openDatabase } from '@daybook/database';
import { createInProcessBus } from '@daybook/messaging';
import { createLogger, createParser } from '@daybook/service';
import {
  ADMINISTRATOR,
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
import { careRelationshipsConsumer } from './events/consumers.ts';
import type { PatientTables } from './store/tables.ts';

const readPatient = createParser(Patient);
export const readPage = createParser(PatientPage);
export const readProblem = createParser(Problem);

export const ana = { givenName: 'Ana', familyName: 'Silva', birthDate: '1990-02-01' } satisfies NewPatient;

/** The caller of `getPatientEligibility`. */
export const bookingService = {
  id: 'appointment-service',
  role: 'service',
  scope: ['getPatientEligibility'],
} as const satisfies TestCaller;

/** The doctor of `visitOf`. */
export const DOCTOR_ID = '01890000-0000-7000-8000-00000000d0c1';
export const doctor = { id: 'noor', role: 'doctor', doctorId: DOCTOR_ID } as const satisfies TestCaller;

/** Returns a visit of a patient, which ends half an hour after the clock of the tests starts. */
export const visitOf = (patientId: string, visit: Partial<AppointmentEventData> = {}): AppointmentEventData => ({
  appointmentId: newId(),
  patientId,
  doctorId: DOCTOR_ID,
  appointmentTypeId: newId(),
  start: '2026-03-02T09:00:00.000Z',
  end: '2026-03-02T09:30:00.000Z',
  ...visit,
});

type Consumed = ConsumedType<'patient.care-relationships'>;
export type AppointmentChange = Consumed extends `daybook.appointment.${infer Name}.v1` ? Name : never;

/** Returns an event as the appointment service publishes it. */
export const appointmentEvent = (kind: AppointmentChange, data: AppointmentEventData, sequence = 1): CloudEvent => ({
  specversion: '1.0',
  id: newId(),
  source: '/services/appointment',
  type: `daybook.appointment.${kind}.v1`,
  subject: data.appointmentId,
  time: '2026-03-02T08:00:00.000Z',
  datacontenttype: 'application/json',
  sequence,
  data,
});

export async function startPatients() {
  const database = await openDatabase<PatientTables>(await cleanDatabase('patient'), migrations);
  const time = { now: Temporal.Instant.from('2026-03-02T09:00:00.000Z') };
  const logger = createLogger({ level: 'silent' });
  const bus = createInProcessBus();
  const consumer = careRelationshipsConsumer(database, logger);
  await bus.subscribe(consumer);
  bus.open();
  const app = await buildApp({
    logger,
    authenticator: testAuthenticator(NAME),
    database,
    bus,
    clock: () => time.now,
    consumers: [consumer],
  });
  onTestFinished(async () => {
    await bus.close();
    await app.close();
    await database.close();
  });

  const call = requestsTo(app, '/api/v1/patients');

  /** Returns a function that sends requests of a caller. */
  const callAs =
    (caller: TestCaller) =>
    async (method: Method, path: string, payload?: object, headers: Record<string, string> = {}) =>
      call(method, path, payload, { ...(await authorizationOf(caller, NAME)), ...headers });

  /** Registers a patient, even if others have the same names. */
  async function register(input: NewPatient): Promise<Patient> {
    const { status, body } = await call('POST', '', { confirmedNew: true, ...input });
    expect(status).toBe(201);
    return readPatient(body);
  }

  async function find(query: Record<string, string>) {
    const { status, body } = await call('GET', `?${new URLSearchParams(query)}`);
    expect(status).toBe(200);
    return readPage(body);
  }

  return {
    database,
    time,
    app,
    bus,
    call,
    callAs,
    /** Returns the headers of an administrator's requests. */
    administrator: () => authorizationOf(ADMINISTRATOR),
    register,
    find,
    read: async (id: string) => readPatient((await call('GET', `/${id}`)).body),
    /** Returns the given names that a search finds, sorted. */
    names: async (query: Record<string, string>) => (await find(query)).items.map(({ givenName }) => givenName).sort(),
    audit: () => readAudit(database),
    /** Returns the events that wait to be published, in the order of the writes, as stored. */
    outbox: () => readOutbox(database),
  };
}
