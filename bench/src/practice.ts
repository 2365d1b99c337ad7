/** Doctors of one specialty and their patients, next to very many appointments of these and other doctors. */
import { type DaybookClient, expectData } from '@daybook/client';
import { registerPatient } from '@daybook/testing';
import { bytesOf, idAt, type LoadedAppointment } from './loaded-appointment.ts';

export const DOCTORS = 50;
export const SPECIALTY = 'bench-medicine';
const OTHER_DOCTORS = 450;
const APPOINTMENTS_OF_PATIENT = 20;
export const DAY_MILLIS = 86_400_000;
const VISIT_MILLIS = 30 * 60_000;
const VISITS_A_DAY = 16;
/** The fully booked days. The weeks after them are booked to two thirds. */
const FULL_DAYS = 5;
const BOOKED_DAYS = 17;
const FREE_EVERY = 3;
const FREE_A_DAY = Math.ceil(VISITS_A_DAY / FREE_EVERY);
const OF_COMING_WEEKS = FULL_DAYS * VISITS_A_DAY + (BOOKED_DAYS - FULL_DAYS) * (VISITS_A_DAY - FREE_A_DAY);

export const today = Temporal.Now.zonedDateTimeISO('UTC').startOfDay().epochMilliseconds;

export interface Practice {
  readonly doctorIds: readonly string[];
  /** A patient for each doctor, without appointments. */
  readonly patientIds: readonly string[];
  readonly typeId: string;
}

/** Creates the doctors, which work from 9 to 17, and their patients. */
export async function openPractice(client: DaybookClient): Promise<Practice> {
  const days = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;
  const weeklyHours = days.map((day) => ({ day, start: '09:00', end: '17:00' }));
  const doctorIds: string[] = [];
  const patientIds: string[] = [];
  for (let n = 0; n < DOCTORS; n += 1) {
    const body = { givenName: 'Noor', familyName: `Haddad ${n}`, specialties: [SPECIALTY], timeZone: 'UTC' };
    const { id } = expectData(await client.POST('/api/v1/doctors', { body }));
    const hours = { timeZone: 'UTC', weeklyHours };
    expectData(await client.PUT('/api/v1/doctors/{id}/schedule', { params: { path: { id } }, body: hours }));
    doctorIds.push(id);
    patientIds.push((await registerPatient(client)).id);
  }
  const type = await client.POST('/api/v1/appointment-types', { body: { name: 'Visit', durationMinutes: 30 } });
  return { doctorIds, patientIds, typeId: expectData(type).id };
}

const startOf = (day: number, n: number): number => today + day * DAY_MILLIS + 9 * 3_600_000 + n * VISIT_MILLIS;

/** The free times in the weeks that are booked to two thirds. */
export const FREE_TIMES = DOCTORS * (BOOKED_DAYS - FULL_DAYS) * FREE_A_DAY;

/** Returns the n-th free time: another doctor each time. */
export function freeTime({ doctorIds, patientIds }: Practice, n: number) {
  const turn = Math.floor(n / DOCTORS);
  const start = startOf(FULL_DAYS + 1 + Math.floor(turn / FREE_A_DAY), (turn % FREE_A_DAY) * FREE_EVERY);
  const doctorId = doctorIds[n % DOCTORS] ?? '';
  return { doctorId, patientId: patientIds[n % DOCTORS] ?? '', start: new Date(start).toISOString() };
}

/** Yields the coming appointments in the order of their starts, and so of their ids. */
function* comingWeeks(
  doctorIds: readonly Uint8Array[],
  typeId: Uint8Array,
  patientOf: (n: number) => Uint8Array,
): Generator<LoadedAppointment> {
  let count = 0;
  for (let day = 1; day <= BOOKED_DAYS; day += 1) {
    for (let n = 0; n < VISITS_A_DAY; n += 1) {
      if (day > FULL_DAYS && n % FREE_EVERY === 0) continue;
      const start = startOf(day, n);
      for (const doctorId of doctorIds) {
        yield { id: idAt(start), doctorId, patientId: patientOf(count), typeId, start, end: start + VISIT_MILLIS };
        count += 1;
      }
    }
  }
}

/** Yields years of full days that end yesterday. */
function* past(
  doctorIds: readonly Uint8Array[],
  typeId: Uint8Array,
  patientOf: (n: number) => Uint8Array,
  count: number,
): Generator<LoadedAppointment> {
  const turns = Math.ceil(count / doctorIds.length);
  const firstDay = -Math.ceil(turns / VISITS_A_DAY);
  for (let n = 0; n < count; n += 1) {
    const turn = Math.floor(n / doctorIds.length);
    const start = startOf(firstDay + Math.floor(turn / VISITS_A_DAY), turn % VISITS_A_DAY);
    const doctorId = doctorIds[n % doctorIds.length] ?? idAt(today);
    yield { id: idAt(start), doctorId, patientId: patientOf(n), typeId, start, end: start + VISIT_MILLIS };
  }
}

/** Returns ids from one buffer. A patient has no simultaneous appointments while doctors are fewer than patients. */
function somePatients(count: number): (n: number) => Uint8Array {
  const ids = Buffer.alloc(count * 16);
  for (let n = 0; n < count; n += 1) ids.set(idAt(today - count + n), n * 16);
  return (n) => ids.subarray((n % count) * 16, (n % count) * 16 + 16);
}

/**
 * Yields `count` appointments: the coming weeks of the practice and of the other doctors, and the past of all.
 * The coming weeks of the practice are the same for every count.
 * Except for the weeks, the order is that of the ids, as the service assigns them.
 */
export function* appointmentsOf({ doctorIds, typeId }: Practice, count: number): Generator<LoadedAppointment> {
  const [ours, type] = [doctorIds.map(bytesOf), bytesOf(typeId)];
  const others = Array.from({ length: OTHER_DOCTORS }, (_, n) => idAt(today + n));
  const all = [...ours, ...others];
  const ofPractice = DOCTORS * OF_COMING_WEEKS;
  const ofOthers = count < all.length * OF_COMING_WEEKS ? 0 : OTHER_DOCTORS * OF_COMING_WEEKS;
  const patientOf = somePatients(Math.max(2 * all.length, Math.ceil(count / APPOINTMENTS_OF_PATIENT)));
  yield* past(all, type, patientOf, Math.max(0, count - ofPractice - ofOthers));
  yield* comingWeeks(ours, type, (n) => idAt(today + n));
  if (ofOthers > 0) yield* comingWeeks(others, type, patientOf);
}
