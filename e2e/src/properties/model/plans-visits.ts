/** Generates bookings, holds, moves and steps of visits. */
import fc from 'fast-check';
import type { Call } from './calls.ts';
import { condition, ifMatchOf, isUnknown, keyed, keyOf, oneOf, type Plan, plan, which } from './plans.ts';
import { specialtyOf } from './plans-people.ts';
import { runningAt } from './rules.ts';
import { type Appointment, liveHolds } from './state.ts';
import { instantOf, type Time, time } from './times.ts';
import { DAY, MINUTE, toIso, toMillis } from './units.ts';
import { UNKNOWN_ID, type World } from './world.ts';

const bookingChoices = { patient: which, doctor: which, type: which, time };
type BookingChoices = typeof bookingChoices;
const overbooked = fc.integer({ min: 0, max: 4 }).map((choice) => choice === 0);
const OVERBOOKING = { reason: 'asked twice' };

/** Mostly no walk-in; otherwise one in the current five minutes, or at another time. */
const walkIn = fc.constantFrom('none', 'none', 'none', 'none', 'now', 'another time');

const startOf = (time: Time, walkIn: string, now: number): number =>
  walkIn === 'now' ? runningAt(now) : instantOf(time, now);

const bookAmong = (choices: BookingChoices) =>
  plan(
    'book',
    fc.record({ ...choices, keyed, overbooked, walkIn, reason: fc.boolean() }),
    ({ patient, doctor, type, time, keyed, overbooked, walkIn, reason }, world) => {
      const { patients, doctors, types } = world.state;
      const start = toIso(startOf(time, walkIn, world.clock.now()));
      const body = {
        ...{ patientId: oneOf(patients.keys(), patient), doctorId: oneOf(doctors.keys(), doctor) },
        ...{ appointmentTypeId: oneOf(types.keys(), type), start },
        ...(overbooked && { overbooking: OVERBOOKING }),
        ...(walkIn !== 'none' && { walkIn: true }),
        ...(reason && { reason: 'follow-up' }),
      };
      return { do: 'book', body, ...keyOf(world, keyed) };
    },
  );

export const book = bookAmong(bookingChoices);

const bookFirstFreeAmong = (choices: BookingChoices) =>
  plan(
    'book first free',
    fc.record({ ...choices, days: fc.constantFrom(0, 1, 2, 30), keyed }),
    ({ patient, doctor, type, time, days, keyed }, world) => {
      const { patients, types } = world.state;
      const from = instantOf(time, world.clock.now());
      const body = {
        ...{ patientId: oneOf(patients.keys(), patient), specialty: specialtyOf(world, doctor) },
        ...{
          appointmentTypeId: oneOf(types.keys(), type),
          from: toIso(from),
          to: toIso(from + days * DAY + 20 * MINUTE),
        },
      };
      return { do: 'book-first-free', body, ...keyOf(world, keyed) };
    },
  );

export const bookFirstFree = bookFirstFreeAmong(bookingChoices);

const holdAmong = (choices: BookingChoices) =>
  plan('hold', fc.record({ ...choices, keyed, walkIn }), ({ doctor, type, time, keyed, walkIn }, world) => {
    const { doctors, types } = world.state;
    const start = toIso(startOf(time, walkIn, world.clock.now()));
    const body = {
      ...{ doctorId: oneOf(doctors.keys(), doctor), appointmentTypeId: oneOf(types.keys(), type), start },
      ...(walkIn !== 'none' && { walkIn: true }),
    };
    return { do: 'hold', body, ...keyOf(world, keyed) };
  });

export const hold = holdAmong(bookingChoices);

export const getHold = plan('get a hold', which, (what, { holdIds }) =>
  holdIds.length === 0 ? undefined : { do: 'get-hold', id: oneOf(holdIds, what) },
);

export const release = plan('release', fc.record({ what: which, on: condition }), ({ what, on }, { holdIds }) =>
  holdIds.length === 0 ? undefined : { do: 'release', id: oneOf(holdIds, what), ...ifMatchOf(on, 1) },
);

/**
 * Mostly books the time of the hold. Otherwise the hold is over, the id is of another resource, or the time differs.
 */
export const bookHeld = plan(
  'book what is held',
  fc.record({ ...bookingChoices, what: which, wrong: fc.nat({ max: 9 }), keyed, overbooked }),
  ({ patient, type, time, what, wrong, keyed, overbooked }, world) => {
    const { patients, types, appointments } = world.state;
    const now = world.clock.now();
    const live = liveHolds(world.state, now);
    const held = live[what % Math.max(live.length, 1)];
    if (!held) return undefined;
    const others: Record<number, string> = { 0: oneOf(world.holdIds, what), 1: oneOf(appointments.keys(), what) };
    const body = {
      ...{ patientId: oneOf(patients.keys(), patient), doctorId: held.doctorId },
      appointmentTypeId: wrong === 3 ? oneOf(types.keys(), type) : held.typeId,
      start: toIso(wrong === 2 ? instantOf(time, now) : held.start),
      holdId: others[wrong] ?? held.id,
      ...(overbooked && { overbooking: OVERBOOKING }),
      ...(held.start < now && { walkIn: true }),
    };
    return { do: 'book', body, ...keyOf(world, keyed) };
  },
);

const WAYS = ['another time', 'another doctor', 'held', 'where it is', 'a bit later'] as const;

const rescheduleAmong = (choices: BookingChoices, ways: readonly (typeof WAYS)[number][]) =>
  plan(
    'reschedule',
    fc.record({
      ...{ ...choices, what: which, way: fc.constantFrom(...ways), keyed, overbooked, walkIn, on: condition },
      ...{ reason: fc.boolean(), otherType: fc.integer({ min: 0, max: 4 }) },
    }),
    ({ doctor, type, time, what, way, keyed, overbooked, walkIn, on, reason, otherType }, world) => {
      const before = anAppointment(world, what);
      if (!before) return undefined;
      const id = isUnknown(what) ? UNKNOWN_ID : before.id;
      const now = world.clock.now();
      const live = liveHolds(world.state, now);
      const held = way === 'held' ? live[what % Math.max(live.length, 1)] : undefined;
      const there = before.start + (way === 'where it is' ? 0 : 10 * MINUTE);
      const chosen = way === 'where it is' || way === 'a bit later' ? there : held?.start;
      const body = {
        start: toIso(chosen ?? startOf(time, walkIn, now)),
        ...(way === 'another doctor' && { doctorId: oneOf(world.state.doctors.keys(), doctor) }),
        ...(held && { holdId: held.id, doctorId: held.doctorId }),
        ...(overbooked && { overbooking: OVERBOOKING }),
        ...(walkIn !== 'none' && { walkIn: true }),
        ...(reason && { reason: 'called again' }),
        ...(otherType === 0 && { appointmentTypeId: oneOf(world.state.types.keys(), type) }),
      };
      return { do: 'reschedule', id, body, ...keyOf(world, keyed), ...ifMatchOf(on, before.version) };
    },
  );

export const reschedule = rescheduleAmong(bookingChoices, WAYS);

export const change = plan(
  'change an appointment',
  fc.record({
    ...{ what: which, type: fc.option(which), on: condition },
    reason: fc.constantFrom('follow-up', 'knee', null, undefined),
    note: fc.constantFrom('by the window', null, undefined, undefined),
  }),
  ({ what, type, on, reason, note }, world) => {
    const before = anAppointment(world, what);
    if (!before) return undefined;
    const patch = {
      ...(type !== null && { appointmentTypeId: oneOf(world.state.types.keys(), type) }),
      ...(reason !== undefined && { reason }),
      ...(note !== undefined && { note }),
    };
    return { do: 'change', id: isUnknown(what) ? UNKNOWN_ID : before.id, patch, ...ifMatchOf(on, before.version) };
  },
);

/** Generates a few simultaneous requests for the same time. */
export const rivals: fc.Arbitrary<Plan[]> = fc.tuple(which, which, time).chain(([doctor, type, time]) => {
  const same = { patient: which, doctor: fc.constant(doctor), type: fc.constant(type), time: fc.constant(time) };
  const move = rescheduleAmong(same, ['another doctor']);
  const one = fc.oneof(bookAmong(same), bookAmong(same), holdAmong(same), bookFirstFreeAmong(same), move);
  return fc.array(one, { minLength: 2, maxLength: 4 });
});

/** Picks mostly a booked appointment, or one whose visit has begun if any exists. */
function anAppointment({ state, clock }: World, choice: number): Appointment | undefined {
  const all = [...state.appointments.values()];
  const open = all.filter(({ status }) => status === 'booked' || status === 'arrived' || status === 'checked-in');
  const started = open.filter(({ start }) => start <= clock.now());
  const some = choice % 4 === 3 || open.length === 0 ? all : started.length > 0 ? started : open;
  return some[choice % Math.max(some.length, 1)];
}

const ofAppointment = { what: which, keyed, on: condition };

export const cancel = plan('cancel', fc.record(ofAppointment), ({ what, keyed, on }, world) => {
  const before = anAppointment(world, what);
  if (!before) return undefined;
  const id = isUnknown(what) ? UNKNOWN_ID : before.id;
  const conditions = { ...keyOf(world, keyed), ...ifMatchOf(on, before.version) };
  return { do: 'cancel', id, reason: 'feels better', ...conditions };
});

export const takeStep = plan(
  'take a step',
  fc.record({ ...ofAppointment, step: fc.constantFrom('arrive', 'check-in', 'fulfil', 'no-show') }),
  ({ what, step, keyed, on }, world) => {
    const before = anAppointment(world, what);
    if (!before) return undefined;
    const id = isUnknown(what) ? UNKNOWN_ID : before.id;
    const conditions = { ...keyOf(world, keyed), ...ifMatchOf(on, before.version) };
    return { do: 'take-step', id, step, ...conditions };
  },
);

/** Mostly picks an appointment with a step to take back. */
export const stepBack = plan('step back', fc.record(ofAppointment), ({ what, keyed, on }, world) => {
  const stepped = [...world.state.appointments.values()].filter(({ status }) => status !== 'booked');
  const before = what % 8 === 7 ? anAppointment(world, what) : stepped[what % Math.max(stepped.length, 1)];
  if (!before) return undefined;
  const conditions = { ...keyOf(world, keyed), ...ifMatchOf(on, before.version) };
  return { do: 'step-back', id: before.id, reason: 'the wrong line', ...conditions };
});

/** Returns the call with one difference; undefined for a call without content. */
function altered(call: Call): Call | undefined {
  switch (call.do) {
    case 'book':
      return { ...call, body: { ...call.body, reason: 'something else' } };
    case 'cancel':
    case 'step-back':
      return { ...call, reason: 'something else' };
    case 'hold':
      return { ...call, body: { ...call.body, start: later(call.body.start) } };
    case 'reschedule':
      return { ...call, body: { ...call.body, start: later(call.body.start) } };
    case 'add-exception':
      return { ...call, end: call.end + MINUTE };
    default:
      return undefined;
  }
}

const later = (start: string): string => toIso(toMillis(start) + 5 * MINUTE);

const newestPost = ({ posts }: World, what: number): Call | undefined =>
  posts[posts.length - 1 - (what % posts.length)];

export const repeat = plan(
  'repeat a POST',
  fc.record({ what: which, other: fc.nat({ max: 3 }) }),
  ({ what, other }, world) => {
    const call = newestPost(world, what);
    return call && (other === 0 ? altered(call) : call);
  },
);
