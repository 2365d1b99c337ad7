/** Creates a small clinic for bookings through the public API. */
import { type DaybookClient, expectData, type Schemas } from '@daybook/client';

export interface Clinic {
  readonly patient: Schemas['Patient'];
  readonly doctor: Schemas['Doctor'];
  readonly type: Schemas['AppointmentType'];
}

let made = 0;

/**
 * Creates a doctor who works around the clock in UTC, a patient, and a type for visits of 30 minutes. Each call creates
 * new ones.
 */
export async function makeClinic(client: DaybookClient): Promise<Clinic> {
  made += 1;
  const days = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;
  const weeklyHours = days.map((day) => ({ day, start: '00:00', end: '24:00' }));
  const timeZone = 'UTC';
  const doctor = expectData(
    await client.POST('/api/v1/doctors', {
      body: { givenName: 'Noor', familyName: `Haddad ${made}`, specialties: ['general-practice'], timeZone },
    }),
  );
  const path = { id: doctor.id };
  expectData(await client.PUT('/api/v1/doctors/{id}/schedule', { params: { path }, body: { timeZone, weeklyHours } }));
  const type = expectData(
    await client.POST('/api/v1/appointment-types', {
      body: { name: `Visit ${made} ${doctor.id}`, durationMinutes: 30 },
    }),
  );
  return { patient: await registerPatient(client), doctor, type };
}

/** Registers a new person each time. Other processes may have registered the same names in the same system. */
export async function registerPatient(client: DaybookClient): Promise<Schemas['Patient']> {
  made += 1;
  const body = { givenName: 'Ana', familyName: `Silva ${made}`, birthDate: '1990-02-01', confirmedNew: true };
  return expectData(await client.POST('/api/v1/patients', { body }));
}

const CELL_MILLIS = 5 * 60_000;
/** Five minutes end at most once during this number of attempts. */
const WALK_IN_ATTEMPTS = 3;

/** Books the current five minutes, next to existing visits. Retries if the five minutes ended meanwhile. */
export async function bookWalkIn(client: DaybookClient, clinic: Clinic): Promise<Schemas['Appointment']> {
  for (let attempt = 1; ; attempt += 1) {
    const now = Temporal.Now.instant().epochMilliseconds;
    const start = Temporal.Instant.fromEpochMilliseconds(now - (now % CELL_MILLIS)).toString();
    const { patient, doctor, type } = clinic;
    const ids = { patientId: patient.id, doctorId: doctor.id, appointmentTypeId: type.id };
    const body = { ...ids, start, walkIn: true, overbooking: { reason: 'a test' } };
    const result = await client.POST('/api/v1/appointments', { body });
    if (result.error?.code !== 'too-soon' || attempt === WALK_IN_ATTEMPTS) return expectData(result);
  }
}

/** Returns the start of the n-th half hour after tomorrow's midnight UTC. */
export const halfHour = (n: number): string =>
  Temporal.Now.zonedDateTimeISO('UTC')
    .startOfDay()
    .add({ days: 1, minutes: 30 * n })
    .toInstant()
    .toString();
