/** Generates searches and reads. */
import fc from 'fast-check';
import { oneOf, plan, which } from './plans.ts';
import { specialtyOf } from './plans-people.ts';
import { runningAt } from './rules.ts';
import { instantOf, time } from './times.ts';
import { DAY, MINUTE, toIso } from './units.ts';

const LIMITS = [1, 20, 100] as const;

/** Searches several numbers of `days`. One read of the system suffices for four searches. */
const findSlots = (days: readonly number[]) =>
  plan(
    'find slots',
    fc.record({
      ...{ doctor: which, type: which, time, days: fc.constantFrom(...days), bySpecialty: fc.boolean() },
      limit: fc.constantFrom(...LIMITS),
      walkIn: fc.boolean(),
    }),
    ({ doctor, type, time, days, bySpecialty, limit, walkIn }, world) => {
      const { doctors, types } = world.state;
      const doctorId = oneOf(doctors.keys(), doctor);
      const target = bySpecialty ? { specialty: specialtyOf(world, doctor) } : { doctorId };
      const from = instantOf(time, world.clock.now()) - 40 * MINUTE;
      const range = { from, to: from + days * DAY, limit, walkIn };
      return { do: 'find-slots', target, typeId: oneOf(types.keys(), type), ...range };
    },
  );

const shortSearch = findSlots([0, 1, 3]);
const anySearch = findSlots([0, 1, 3, 10, 61, 62, -1]);

const explain = plan(
  'explain',
  fc.record({ doctor: which, type: which, time, patient: fc.option(which, { nil: undefined }), walkIn: fc.nat(2) }),
  ({ doctor, type, time, patient, walkIn }, { state: { doctors, types, patients }, clock }) => ({
    ...{ do: 'explain', doctorId: oneOf(doctors.keys(), doctor), typeId: oneOf(types.keys(), type) },
    start: walkIn === 2 ? runningAt(clock.now()) : instantOf(time, clock.now()),
    walkIn: walkIn > 0,
    ...(patient !== undefined && { patientId: oneOf(patients.keys(), patient) }),
  }),
);

const get = plan('get', which, (what, { state }) => ({ do: 'get', id: oneOf(state.appointments.keys(), what) }));

const history = plan('history', which, (what, { state }) => ({
  ...{ do: 'history', id: oneOf(state.appointments.keys(), what) },
}));

const list = plan(
  'list',
  fc.record({
    ...{ person: which, ofDoctor: fc.boolean(), flagged: fc.option(fc.boolean()), limit: fc.constantFrom(1, 3, 20) },
    status: fc.option(
      fc.constantFrom('booked', 'cancelled', 'noshow', 'booked,arrived', 'cancelled,checked-in,booked'),
    ),
    between: fc.option(fc.tuple(time, time)),
  }),
  ({ person, ofDoctor, flagged, status, between, limit }, { state: { doctors, patients }, clock }) => {
    const target = ofDoctor
      ? { doctorId: oneOf(doctors.keys(), person) }
      : { patientId: oneOf(patients.keys(), person) };
    const [from, to] = (between ?? []).map((one) => toIso(instantOf(one, clock.now())));
    const query = {
      ...target,
      ...(status !== null && { status }),
      ...(flagged !== null && { needsRescheduling: flagged }),
      ...(from !== undefined && to !== undefined && { from, to }),
    };
    return { do: 'list', query, limit };
  },
);

/** Reads whose responses show nearly one moment. */
export const quickReads = [shortSearch, explain, get, history];
export const reads = [anySearch, anySearch, explain, explain, get, history, list];
