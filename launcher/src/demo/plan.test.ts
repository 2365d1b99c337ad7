import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  DEMO_DOCTORS,
  DEMO_PATIENTS,
  DEMO_SIGN_IN_DOCTOR,
  DEMO_SIGN_IN_PATIENT,
  DEMO_TYPES,
  demoAppointments,
  demoPeople,
} from './plan.ts';

const anyDay = fc.integer({ min: 0, max: 20_000 }).map((days) => Temporal.PlainDate.from('2020-01-01').add({ days }));

it('plans two weeks around any day without a person in two places at once', () => {
  fc.assert(
    fc.property(anyDay, (today) => {
      const visits = demoAppointments(today).map(({ doctor, patient, type, start }) => {
        const { durationMinutes = 0, bufferAfterMinutes = 0 } = DEMO_TYPES[type] ?? {};
        const begin = start.epochMilliseconds;
        const end = begin + durationMinutes * 60_000;
        return { doctor, patient, begin, end, doctorEnd: end + bufferAfterMinutes * 60_000 };
      });
      for (const [index, a] of visits.entries()) {
        for (const b of visits.slice(index + 1)) {
          if (a.doctor === b.doctor) expect(a.begin >= b.doctorEnd || b.begin >= a.doctorEnd).toBe(true);
          if (a.patient === b.patient) expect(a.begin >= b.end || b.begin >= a.end).toBe(true);
        }
      }
    }),
    { numRuns: 30 },
  );
});

it('plans every appointment within its doctor’s hours', () => {
  for (const { doctor, type, start } of demoAppointments(Temporal.PlainDate.from('2026-11-22'))) {
    const end = start.add({ minutes: DEMO_TYPES[type]?.durationMinutes ?? 0 });
    const wall = (time: Temporal.ZonedDateTime) => time.toPlainTime().toString({ smallestUnit: 'minute' });
    const hours = DEMO_DOCTORS[doctor]?.weeklyHours.filter(({ day }) => day === 'monday') ?? [];
    expect(hours.some((open) => open.start <= wall(start) && wall(end) <= open.end)).toBe(true);
  }
});

it('has patients and days enough for a week that looks like one', () => {
  const plan = demoAppointments(Temporal.PlainDate.from('2026-11-22'));
  expect(plan.length).toBeGreaterThan(150);
  expect(new Set(plan.map(({ patient }) => patient)).size).toBe(DEMO_PATIENTS.length);
  expect(new Set(plan.map(({ outcome }) => outcome))).toEqual(new Set(['fulfilled', 'noshow', 'cancelled']));
});

it('people that a visitor continues as have visits behind and ahead of them on any day', () => {
  fc.assert(
    fc.property(anyDay, (today) => {
      const plan = demoAppointments(today).filter(({ outcome }) => outcome !== 'cancelled');
      const tomorrow = today.add({ days: 1 }).toZonedDateTime('UTC').epochMilliseconds;
      const patients = plan.filter(({ patient }) => patient === DEMO_SIGN_IN_PATIENT);
      const doctors = plan.filter(({ doctor }) => doctor === DEMO_SIGN_IN_DOCTOR);
      for (const visits of [patients, doctors]) {
        const ahead = visits.filter(({ start }) => start.epochMilliseconds >= tomorrow).length;
        expect([ahead > 0, visits.length > ahead]).toEqual([true, true]);
      }
    }),
    { numRuns: 30 },
  );
});

it('has a person to continue as for each role, with the records of the first patient and doctor', () => {
  expect(demoPeople(['p0', 'p1'], ['d0', 'd1'])).toMatchObject([
    { role: 'patient', displayName: 'Ana Silva', patientId: 'p0' },
    { role: 'doctor', displayName: 'Noor Haddad', doctorId: 'd0' },
    { role: 'front-desk' },
    { role: 'administrator' },
  ]);
});
