/** Generates calls about patients, doctors, working time and appointment types. */
import fc from 'fast-check';
import type { Hours } from './calls.ts';
import { condition, ifMatchOf, keyed, keyOf, oneOf, plan, which } from './plans.ts';
import { instantOf, time } from './times.ts';
import { DAY, MINUTE } from './units.ts';
import type { World } from './world.ts';

const WEEK = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;
export const everyDay = (...times: readonly (readonly [string, string])[]): Hours[] =>
  WEEK.flatMap((day) => times.map(([start, end]) => ({ day, start, end })));

const HOURS: readonly (readonly Hours[])[] = [
  everyDay(['00:00', '24:00']),
  everyDay(['09:00', '10:30'], ['10:45', '24:00']),
  everyDay(['15:00', '15:30'], ['15:30', '16:00']),
  everyDay(['22:00', '24:00'], ['00:00', '01:00']),
  everyDay(['09:00', '17:00']).filter(({ day }) => day !== 'wednesday' && day !== 'saturday'),
  [],
  everyDay(['09:00', '12:00'], ['11:00', '13:00']),
];

export const specialtyOf = ({ name }: World, choice: number): string => `${name}-${choice % 2 === 0 ? 'eyes' : 'ears'}`;

export const registerPatient = plan('register a patient', keyed, (isKeyed, world) => ({
  ...{ do: 'register-patient', ...keyOf(world, isKeyed) },
}));

/** Mostly true, so that other calls can succeed. */
const active = fc.integer({ min: 0, max: 4 }).map((choice) => choice > 1);

/** Picks, in half of the cases, a person with an appointment. */
function pickPerson(kind: 'patients' | 'doctors', { state }: World, choice: number): string {
  const booked = [...state.appointments.values()].map(({ patientId, doctorId }) =>
    kind === 'patients' ? patientId : doctorId,
  );
  return oneOf(choice % 2 === 0 && booked.length > 0 ? booked : state[kind].keys(), choice);
}

export const changePatient = plan(
  'change a patient',
  fc.record({ person: which, active, on: condition }),
  ({ person, active, on }, world) => {
    const id = pickPerson('patients', world, person);
    return { do: 'change-patient', id, active, ...ifMatchOf(on, world.state.patients.get(id)?.version) };
  },
);

/** Mostly all types, otherwise all but one. */
const offering = fc.record({ without: fc.oneof(fc.constant(undefined), which) });

function offeredOf({ state: { types } }: World, without: number | undefined) {
  if (without === undefined) return { appointmentTypeIds: null };
  const excluded = oneOf(types.keys(), without);
  return { appointmentTypeIds: [...types.keys()].filter((id) => id !== excluded) };
}

function doctorPatchOf(world: World, chosen: boolean | number | { without: number | undefined }) {
  if (typeof chosen === 'boolean') return { active: chosen };
  if (typeof chosen === 'object') return offeredOf(world, chosen.without);
  return { specialties: [0, 1].filter((choice) => chosen & (1 << choice)).map((n) => specialtyOf(world, n)) };
}

export const changeDoctor = plan(
  'change a doctor',
  fc.record({ person: which, patch: fc.oneof(active, fc.nat({ max: 3 }), offering), on: condition }),
  ({ person, patch, on }, world) => {
    const id = pickPerson('doctors', world, person);
    const conditions = ifMatchOf(on, world.state.doctors.get(id)?.version);
    return { do: 'change-doctor', id, patch: doctorPatchOf(world, patch), ...conditions };
  },
);

export const replaceSchedule = plan(
  'replace a schedule',
  fc.record({ person: which, hours: fc.constantFrom(...HOURS), from: fc.option(time) }),
  ({ person, hours, from }, world) => {
    const id = pickPerson('doctors', world, person);
    const first = from && Temporal.Instant.fromEpochMilliseconds(instantOf(from, world.clock.now()));
    const validFrom = first?.toZonedDateTimeISO('UTC').toPlainDate().toString();
    return { do: 'replace-schedule', id, hours, ...(validFrom !== undefined && { validFrom }) };
  },
);

/** Some begin and end within a cell, some are longer than a week, one ends before it begins. */
const LENGTHS = [30 * MINUTE, 62 * MINUTE, 3 * 60 * MINUTE, DAY, 9 * DAY, -MINUTE];

export const addException = plan(
  'add an exception',
  fc.record({
    ...{ person: which, kind: fc.constantFrom('time-off', 'time-off', 'extra-hours'), time, keyed, on: condition },
    length: fc.constantFrom(...LENGTHS),
  }),
  ({ person, kind, time, length, keyed, on }, world) => {
    const id = pickPerson('doctors', world, person);
    const start = instantOf(time, world.clock.now());
    const conditions = { ...keyOf(world, keyed), ...ifMatchOf(on, world.state.doctors.get(id)?.version) };
    return { do: 'add-exception', id, kind, start, end: start + length, ...conditions };
  },
);

export const removeException = plan(
  'remove an exception',
  fc.record({ person: which, what: which, on: condition }),
  ({ person, what, on }, { state: { doctors } }) => {
    const some = [...doctors.values()].filter(({ exceptions }) => exceptions.length > 0);
    const id = oneOf(
      some.map((doctor) => doctor.id),
      person,
    );
    const doctor = doctors.get(id);
    const exceptionId = oneOf(doctor?.exceptions.map((exception) => exception.id) ?? [], what);
    return { do: 'remove-exception', id, exceptionId, ...ifMatchOf(on, doctor?.version) };
  },
);

export const addType = plan('add a type', fc.record({ n: fc.nat({ max: 3 }), keyed }), ({ n, keyed }, world) => ({
  do: 'add-type',
  body: { name: `${world.name} ${n}`, durationMinutes: 10 * (n + 1), bufferAfterMinutes: 5 * n, capacity: 1 + (n % 2) },
  ...keyOf(world, keyed),
}));

const typePatch = fc.oneof(
  fc.constantFrom(10, 30, 45).map((durationMinutes) => ({ durationMinutes })),
  fc.constantFrom(0, 10).map((bufferBeforeMinutes) => ({ bufferBeforeMinutes })),
  fc.constantFrom(0, 15).map((bufferAfterMinutes) => ({ bufferAfterMinutes })),
  fc.constantFrom(1, 2, 3).map((capacity) => ({ capacity })),
  fc.constantFrom(0, 60, 3 * 24 * 60).map((minimumNoticeMinutes) => ({ minimumNoticeMinutes })),
  fc.constantFrom(2, 30, 400).map((planningHorizonDays) => ({ planningHorizonDays })),
  active.map((active) => ({ active })),
);

export const changeType = plan(
  'change a type',
  fc.record({ what: which, patch: typePatch, on: condition }),
  ({ what, patch, on }, { state: { types } }) => {
    const id = oneOf(types.keys(), what);
    return { do: 'change-type', id, patch, ...ifMatchOf(on, types.get(id)?.version) };
  },
);
