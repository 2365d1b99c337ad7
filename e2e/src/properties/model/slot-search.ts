/** Finds free slots and explanations in the model. */
import { doctorsOf } from './booking.ts';
import type { CallOf } from './calls.ts';
import type { Outcome } from './expected.ts';
import { refuse } from './preconditions.ts';
import { type BookingRequest, freeSlots, hasAlternatives, type TypeRules, violationsOf } from './rules.ts';
import type { State } from './state.ts';
import { DAY } from './units.ts';

const LONGEST_SEARCH = 61 * DAY;

export function findSlots(state: State, call: CallOf<'find-slots'>, now: number): Outcome {
  const { target, typeId, from, to, limit, walkIn } = call;
  if (to < from) return refuse(state, 'invalid-request');
  if (to - from > LONGEST_SEARCH) return refuse(state, 'range-too-long');
  const type = state.types.get(typeId);
  if (!type) return refuse(state, 'appointment-type-not-found');
  const found = (slots: object[]): Outcome => {
    const body = { items: slots.slice(0, limit), ...(slots.length > limit && { nextCursor: true }) };
    return { expected: { status: 200, body }, state };
  };
  if (!type.active) return found([]);
  const isMissing = 'doctorId' in target && !state.doctors.has(target.doctorId);
  if (isMissing) return refuse(state, 'doctor-not-found');
  const doctorIds = 'doctorId' in target ? [target.doctorId] : doctorsOf(state, target.specialty);
  return found(freeSlots(state, doctorIds, { start: from, end: to, type, limit: limit + 1, now, walkIn }));
}

/** A rule that the shortest visit breaks is broken by every type. */
const SHORTEST: Omit<TypeRules, 'id'> = {
  ...{ durationMinutes: 5, bufferBeforeMinutes: 0, bufferAfterMinutes: 0, minimumNoticeMinutes: 0 },
  ...{ planningHorizonDays: 10_000, capacity: Number.POSITIVE_INFINITY, active: true },
};

export function explain(state: State, call: CallOf<'explain'>, now: number): Outcome {
  const { doctorId, patientId, typeId, start, walkIn } = call;
  const type = state.types.get(typeId);
  const request: BookingRequest = { patientId, doctorId, type: type ?? { ...SHORTEST, id: typeId }, start, walkIn };
  const codes = [...(type ? [] : ['appointment-type-not-found']), ...violationsOf(state, request, now)];
  const [first] = codes;
  const body = { bookable: first === undefined, reasons: codes.map((code) => ({ code })) };
  const explained = first !== undefined && hasAlternatives(first) ? { request } : {};
  return { expected: { status: 200, body, explained }, state };
}
