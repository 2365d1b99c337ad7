/** Plans the demo clinic from data and arithmetic, the same on the same day. No person in it is real. */
import type { ClinicPatch, NewAppointmentType, NewDoctor, NewPatient, Schedule } from '@daybook/contracts';
import type { DemoPerson } from '@daybook/identity-service/demo-accounts';

type WeeklyHours = Schedule['weeklyHours'];

const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'] as const;

const hours = (...stretches: readonly (readonly [string, string])[]): WeeklyHours =>
  WEEKDAYS.flatMap((day) => stretches.map(([start, end]) => ({ day, start, end })));

export interface DemoDoctor {
  readonly doctor: NewDoctor;
  readonly weeklyHours: WeeklyHours;
}

const NEW_YORK = 'America/New_York';
const LISBON = 'Europe/Lisbon';

export const DEMO_CLINIC: ClinicPatch = {
  name: 'Riverside Clinic',
  address: { lines: ['12 Main Street'], city: 'Boston', region: 'MA', postalCode: '02118', country: 'US' },
  phone: '+16175550100',
  email: 'desk@example.org',
  timeZone: NEW_YORK,
  branding: { logoText: 'Riverside' },
};

const doctorOf = (
  [givenName, familyName]: readonly [string, string],
  specialty: string,
  languages: string[],
  timeZone: string,
  weeklyHours: WeeklyHours,
): DemoDoctor => ({ doctor: { givenName, familyName, specialties: [specialty], languages, timeZone }, weeklyHours });

export const DEMO_DOCTORS: readonly DemoDoctor[] = [
  doctorOf(
    ['Noor', 'Haddad'],
    'general-practice',
    ['en', 'ar'],
    NEW_YORK,
    hours(['09:00', '12:00'], ['13:00', '17:00']),
  ),
  doctorOf(['Miriam', 'Okafor'], 'general-practice', ['en'], NEW_YORK, hours(['08:00', '12:00'], ['12:30', '16:00'])),
  doctorOf(['Jonas', 'Lindqvist'], 'cardiology', ['en', 'sv'], NEW_YORK, hours(['09:00', '15:00'])),
  doctorOf(
    ['Inês', 'Carvalho'],
    'general-practice',
    ['pt', 'en'],
    LISBON,
    hours(['09:00', '13:00'], ['14:00', '18:00']),
  ),
  doctorOf(['Rui', 'Tavares'], 'dermatology', ['pt', 'es'], LISBON, hours(['09:00', '13:00'], ['14:00', '17:00'])),
];

export const DEMO_TYPES: readonly NewAppointmentType[] = [
  { name: 'Follow-up', durationMinutes: 30 },
  { name: 'First visit', durationMinutes: 45, bufferAfterMinutes: 5 },
  { name: 'Vaccination', durationMinutes: 15, cancellationDeadlineMinutes: 1440 },
];

const NAMES: readonly (readonly [string, string, string])[] = [
  ['Ana', 'Silva', '1990-02-01'],
  ['Bence', 'Kovács', '1978-11-23'],
  ['Chidi', 'Eze', '2001-06-14'],
  ['Dilnoza', 'Karimova', '1966-03-30'],
  ['Elif', 'Yıldız', '1995-09-09'],
  ['Fergus', 'O’Brien', '1954-01-17'],
  ['Grace', 'Nakamura', '2014-07-05'],
  ['Hugo', 'Moreau', '1988-12-12'],
  ['Isla', 'MacLeod', '1971-05-28'],
  ['João', 'Pereira', '2009-10-02'],
  ['Kavya', 'Raman', '1983-04-19'],
  ['Luca', 'Bianchi', '1947-08-08'],
];

export const DEMO_PATIENTS: readonly NewPatient[] = NAMES.map(([givenName, familyName, birthDate], index) => ({
  givenName,
  familyName,
  birthDate,
  email: `patient${index + 1}@example.org`,
  identifiers: [{ system: 'urn:demo', value: `P-${100 + index}` }],
}));

/** The patient and the doctor that a visitor of the demo may continue as. */
export const DEMO_SIGN_IN_PATIENT = 0;
export const DEMO_SIGN_IN_DOCTOR = 0;

/** Returns the people that a visitor of the demo may continue as, by the ids of all patients and doctors. */
export function demoPeople(patientIds: readonly string[], doctorIds: readonly string[]): DemoPerson[] {
  const patient = DEMO_PATIENTS[DEMO_SIGN_IN_PATIENT];
  const doctor = DEMO_DOCTORS[DEMO_SIGN_IN_DOCTOR]?.doctor;
  const [patientId, doctorId] = [patientIds[DEMO_SIGN_IN_PATIENT], doctorIds[DEMO_SIGN_IN_DOCTOR]];
  if (!patient || !doctor || patientId === undefined || doctorId === undefined) return [];
  const emailOf = (name: string) => `${name}@demo.example.org`;
  const nameOf = ({ givenName = '', familyName }: NewPatient | NewDoctor) => `${givenName} ${familyName}`.trim();
  return [
    { role: 'patient', email: emailOf('patient'), displayName: nameOf(patient), patientId },
    { role: 'doctor', email: emailOf('doctor'), displayName: nameOf(doctor), doctorId },
    { role: 'front-desk', email: emailOf('desk'), displayName: 'Sam Rivera' },
    { role: 'administrator', email: emailOf('admin'), displayName: 'Alex Morgan' },
  ];
}

/** The status of a demo appointment once its time has passed. */
export type DemoOutcome = 'fulfilled' | 'noshow' | 'cancelled';

export interface DemoAppointment {
  readonly doctor: number;
  readonly patient: number;
  readonly type: number;
  readonly start: Temporal.ZonedDateTime;
  readonly minutes: number;
  readonly outcome: DemoOutcome;
}

const START_TIMES = ['09:00', '10:00', '11:00', '14:00'];
const DAYS_AROUND = 7;

/** Returns mostly follow-ups, and sometimes a first visit or a vaccination. */
const typeAt = (n: number): number => (n % 5 === 1 ? 1 : n % 7 === 3 ? 2 : 0);
const outcomeAt = (n: number): DemoOutcome => (n % 11 === 5 ? 'noshow' : n % 13 === 7 ? 'cancelled' : 'fulfilled');

/** Returns two weeks of appointments around a day, which do not overlap. */
export function demoAppointments(today: Temporal.PlainDate): DemoAppointment[] {
  const plan: DemoAppointment[] = [];
  const overlaps = (a: DemoAppointment, b: DemoAppointment) =>
    a.start.epochMilliseconds < b.start.add({ minutes: b.minutes }).epochMilliseconds &&
    b.start.epochMilliseconds < a.start.add({ minutes: a.minutes }).epochMilliseconds;
  for (let offset = -DAYS_AROUND; offset <= DAYS_AROUND; offset += 1) {
    const date = today.add({ days: offset });
    if (date.dayOfWeek > WEEKDAYS.length) continue;
    for (const [doctor, { doctor: profile }] of DEMO_DOCTORS.entries()) {
      for (const time of START_TIMES) {
        const n = plan.length;
        const type = typeAt(n);
        const start = date.toZonedDateTime({ timeZone: profile.timeZone, plainTime: Temporal.PlainTime.from(time) });
        const minutes = DEMO_TYPES[type]?.durationMinutes ?? 0;
        const visit = { doctor, type, start, minutes, outcome: outcomeAt(n) };
        const candidates = DEMO_PATIENTS.keys().map((index) => ({
          ...visit,
          patient: (n * 5 + index) % DEMO_PATIENTS.length,
        }));
        const free = candidates.find(
          (candidate) => !plan.some((other) => other.patient === candidate.patient && overlaps(candidate, other)),
        );
        if (free) plan.push(free);
      }
    }
  }
  return plan;
}
