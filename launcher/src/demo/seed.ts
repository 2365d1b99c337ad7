/**
 * Fills empty databases with the demo clinic, through the API of services in this process.
 * The two weeks surround today, so the process clock is set to earlier days meanwhile.
 * No other client can call the services, because no gateway forwards to them yet.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mapConcurrently } from '@daybook/async';
import { CallRefused, createClient, type DaybookClient, expectData } from '@daybook/client';
import { RETENTION_HOURS } from '@daybook/database';
import { prepareDemoAccounts } from '@daybook/identity-service/demo-accounts';
import { type Clock, type Environment, EXIT, type Logger, StartFailure, systemClock } from '@daybook/service';
import { replaceFile } from '../data-folder.ts';
import {
  DEMO_CLINIC,
  DEMO_DOCTORS,
  DEMO_PATIENTS,
  DEMO_TYPES,
  type DemoAppointment,
  demoAppointments,
  demoPeople,
} from './plan.ts';

/** Returns the path of the file that records whether the demo of a data folder is complete. */
export const demoMarkerPath = (folder: string): string => join(folder, 'demo.json');

const CONCURRENCY = 8;
const BOOKED_DAYS_BEFORE = 10;
/** The retention of Idempotency-Keys, minus an hour for safety. */
const RESUMABLE_HOURS = RETENTION_HOURS - 1;

/** Returns the base URL of a service. */
export type UrlOf = (name: 'patient' | 'doctor' | 'appointment') => string;

/** Returns an administrator's access token. */
export type TokenOf = () => Promise<string>;

interface Marker {
  readonly state: 'pending' | 'done';
  /** When seeding began; the demo surrounds that day. */
  readonly at: string;
}

const isMarker = (value: unknown): value is Marker =>
  typeof value === 'object' && value !== null && 'state' in value && 'at' in value && typeof value.at === 'string';

async function readMarker(path: string): Promise<Marker | undefined> {
  try {
    const marker: unknown = JSON.parse(await readFile(path, 'utf8'));
    return isMarker(marker) ? marker : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || (error instanceof Error && 'code' in error && error.code === 'ENOENT')) {
      return undefined;
    }
    throw error;
  }
}

const writeMarker = (path: string, marker: Marker) => replaceFile(path, JSON.stringify(marker));

/** Records that the demo is pending, before anything else is written. */
export const markDemoPending = (marker: string): Promise<void> =>
  writeMarker(marker, { state: 'pending', at: systemClock().toString() });

/** Returns whether the demo is pending or incomplete. Idempotency-Keys let an interrupted seed continue. */
export const isDemoPending = async (marker: string): Promise<boolean> =>
  (await readMarker(marker))?.state === 'pending';

/** Returns whether no doctor or patient is registered and no appointment type exists. */
export async function areServicesEmpty(urlOf: UrlOf, token: TokenOf): Promise<boolean> {
  const { patients, doctors, appointments } = createClients(urlOf, token);
  const params = { query: { limit: 1 } };
  const found = await Promise.all([
    patients.GET('/api/v1/patients', { params }).then(expectData),
    doctors.GET('/api/v1/doctors', { params }).then(expectData),
    appointments.GET('/api/v1/appointment-types', { params }).then(expectData),
  ]);
  return found.every(({ items }) => items.length === 0);
}

const withKey = (key: string) => ({ header: { 'idempotency-key': `demo-${key}` } });

function createClients(urlOf: UrlOf, token: TokenOf): Record<'patients' | 'doctors' | 'appointments', DaybookClient> {
  return {
    patients: createClient({ baseUrl: urlOf('patient'), token }),
    doctors: createClient({ baseUrl: urlOf('doctor'), token }),
    appointments: createClient({ baseUrl: urlOf('appointment'), token }),
  };
}

async function registerPeople({ patients, doctors, appointments }: ReturnType<typeof createClients>) {
  const patientIds = await mapConcurrently(CONCURRENCY, DEMO_PATIENTS, async (body, index) => {
    const params = withKey(`patient-${index}`);
    return expectData(await patients.POST('/api/v1/patients', { params, body })).id;
  });
  const doctorIds = await mapConcurrently(CONCURRENCY, DEMO_DOCTORS, async ({ doctor, weeklyHours }, index) => {
    const params = withKey(`doctor-${index}`);
    const { id, timeZone } = expectData(await doctors.POST('/api/v1/doctors', { params, body: doctor }));
    const path = { id };
    expectData(
      await doctors.PUT('/api/v1/doctors/{id}/schedule', { params: { path }, body: { timeZone, weeklyHours } }),
    );
    return id;
  });
  const typeIds = await mapConcurrently(CONCURRENCY, DEMO_TYPES, async (body, index) => {
    const params = withKey(`type-${index}`);
    return expectData(await appointments.POST('/api/v1/appointment-types', { params, body })).id;
  });
  return { patientIds, doctorIds, typeIds };
}

interface Booked extends DemoAppointment {
  readonly id: string;
  readonly index: number;
}

/** Sets the final status of a past appointment. */
async function conclude(appointments: DaybookClient, { id, index, outcome }: Booked): Promise<void> {
  const params = (step: string) => ({ path: { id }, ...withKey(`${step}-${index}`) });
  if (outcome === 'noshow') {
    expectData(await appointments.POST('/api/v1/appointments/{id}/no-show', { params: params('no-show') }));
  } else {
    expectData(await appointments.POST('/api/v1/appointments/{id}/arrive', { params: params('arrive') }));
    expectData(await appointments.POST('/api/v1/appointments/{id}/fulfil', { params: params('fulfil') }));
  }
}

type Clients = ReturnType<typeof createClients>;
type People = Awaited<ReturnType<typeof registerPeople>>;

async function bookAppointments(
  { appointments }: Clients,
  people: People,
  plan: readonly DemoAppointment[],
): Promise<Booked[]> {
  return mapConcurrently(CONCURRENCY, plan, async (appointment, index) => {
    const body = {
      patientId: people.patientIds[appointment.patient] ?? '',
      doctorId: people.doctorIds[appointment.doctor] ?? '',
      appointmentTypeId: people.typeIds[appointment.type] ?? '',
      start: appointment.start.toInstant().toString(),
    };
    const params = withKey(`appointment-${index}`);
    const { id } = expectData(await appointments.POST('/api/v1/appointments', { params, body }));
    return { ...appointment, id, index };
  });
}

async function cancelSome({ appointments }: Clients, booked: readonly Booked[]): Promise<void> {
  const cancelled = booked.filter(({ outcome }) => outcome === 'cancelled');
  await mapConcurrently(CONCURRENCY, cancelled, async ({ id, index }) => {
    const params = { path: { id }, ...withKey(`cancel-${index}`) };
    const body = { reason: 'The patient cannot come' };
    expectData(await appointments.POST('/api/v1/appointments/{id}/cancel', { params, body }));
  });
}

const endOf = ({ start, minutes }: Booked): Temporal.Instant => start.add({ minutes }).toInstant();

/** Sets the final status of appointments that ended by `at`, day by day, each in the evening of its day. */
async function concludePast(
  { appointments }: Clients,
  booked: readonly Booked[],
  at: Temporal.Instant,
  setClock: (clock: Clock) => void,
): Promise<void> {
  const isOver = (one: Booked) => one.outcome !== 'cancelled' && Temporal.Instant.compare(endOf(one), at) <= 0;
  const days = Map.groupBy(booked.filter(isOver), ({ start }) => start.toPlainDate().toString());
  for (const ofDay of days.values()) {
    const evening = ofDay.map(endOf).reduce((a, b) => (Temporal.Instant.compare(a, b) > 0 ? a : b));
    setClock(() => evening);
    await mapConcurrently(CONCURRENCY, ofDay, (one) => conclude(appointments, one));
  }
}

export interface SeedOptions {
  readonly marker: string;
  readonly urlOf: UrlOf;
  readonly token: TokenOf;
  /** The environment of identity, whose database gets the accounts of the demo. */
  readonly identity: Environment;
  readonly logger: Logger;
}

/**
 * Fills the databases.
 * @throws StartFailure 69 when a service does not respond
 */
export async function seedDemo(
  { marker, urlOf, token, identity, logger }: SeedOptions,
  setClock: (clock: Clock) => void,
): Promise<void> {
  const at = Temporal.Instant.from((await readMarker(marker))?.at ?? systemClock().toString());
  if (Temporal.Instant.compare(systemClock(), at.add({ hours: RESUMABLE_HOURS })) > 0) {
    logger.warn('demo clinic incomplete, start again with empty databases');
    return writeMarker(marker, { state: 'done', at: at.toString() });
  }
  try {
    const clients = createClients(urlOf, token);
    setClock(() => at.subtract({ hours: 24 * BOOKED_DAYS_BEFORE }));
    expectData(await clients.doctors.PATCH('/api/v1/clinic', { body: DEMO_CLINIC }));
    const people = await registerPeople(clients);
    const booked = await bookAppointments(
      clients,
      people,
      demoAppointments(at.toZonedDateTimeISO('UTC').toPlainDate()),
    );
    await cancelSome(clients, booked);
    await concludePast(clients, booked, at, setClock);
    const hasAccounts = await prepareDemoAccounts(identity, demoPeople(people.patientIds, people.doctorIds));
    if (!hasAccounts) logger.warn('demo accounts not made, because other accounts exist');
  } catch (error) {
    if (!(error instanceof CallRefused) || error.status !== 503) throw error;
    const reason = `The demo clinic could not be seeded: ${error.problem.detail}`;
    throw new StartFailure(EXIT.unavailable, `${reason} Start again, or set DAYBOOK_DEMO=off.`, { cause: error });
  }
  await writeMarker(marker, { state: 'done', at: at.toString() });
  logger.info('demo clinic seeded');
}
