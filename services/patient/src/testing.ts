/**
 * Starts the patient service for this folder's tests.
 * The database is emptied after each test, and the clock stands still.
 */
import { type NewPatient, Patient, PatientPage, Problem } from '@daybook/contracts';
import { openDatabase } from '@daybook/database';
import { createInProcessBus } from '@daybook/messaging';
import { createLogger, createParser } from '@daybook/service';
import { readOutbox, requestsTo, testAuthenticator } from '@daybook/service/testing';
import { cleanDatabase } from '@daybook/testing/databases';
import { expect, onTestFinished } from 'vitest';
import { migrations } from '../migrations/index.ts';
import { buildApp, NAME } from './app.ts';
import type { PatientTables } from './store/tables.ts';

const readPatient = createParser(Patient);
export const readPage = createParser(PatientPage);
export const readProblem = createParser(Problem);

export const ana = { givenName: 'Ana', familyName: 'Silva', birthDate: '1990-02-01' } satisfies NewPatient;

export async function startPatients() {
  const database = await openDatabase<PatientTables>(await cleanDatabase('patient'), migrations);
  const time = { now: Temporal.Instant.from('2026-03-02T09:00:00.000Z') };
  const logger = createLogger({ level: 'silent' });
  const app = await buildApp({
    logger,
    authenticator: testAuthenticator(NAME),
    database,
    bus: createInProcessBus(),
    clock: () => time.now,
  });
  onTestFinished(async () => {
    await app.close();
    await database.close();
  });

  const call = requestsTo(app, '/api/v1/patients');

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
    call,
    register,
    find,
    read: async (id: string) => readPatient((await call('GET', `/${id}`)).body),
    /** Returns the given names that a search finds, sorted. */
    names: async (query: Record<string, string>) => (await find(query)).items.map(({ givenName }) => givenName).sort(),
    /** Returns the events that wait to be published, in the order of the writes, as stored. */
    outbox: () => readOutbox(database),
  };
}
