/** Booking, moving and holding, as the model does it. */
import type { Answer, CallOf } from './calls.ts';
import { type Expected, fieldOf, type Outcome, type Refused } from './expected.ts';
import { provided, refuse } from './preconditions.ts';
import { doctorTimeOf, freeSlots, hasAlternatives, obstaclesTo, runningAt, visitOf, type Wish } from './rules.ts';
import { type Appointment, type Entry, type Hold, liveHolds, put, type State, without } from './state.ts';
import { MINUTE, toIso, toMillis } from './units.ts';

const HOLD_MINUTES = 5;

/** Of the resource that was made; the system chooses it. */
export const newIdOf = ({ body }: Answer): string => String(fieldOf(body, 'id'));

export function shown(appointment: Appointment): object {
  const { id, patientId, doctorId, typeId, start, end, timeZone, status, sequence, reason, note, reasons, version } =
    appointment;
  return {
    ...{ id, patientId, doctorId, appointmentTypeId: typeId, start: toIso(start), end: toIso(end), timeZone },
    ...{ status, sequence, reason, note, version, needsRescheduling: reasons.length > 0 },
    ...(reasons.length > 0 && { reschedulingReasons: reasons }),
  };
}

const timesOf = ({ doctorId, start, end, typeId }: Appointment, withType = false): NonNullable<Entry['to']> => ({
  doctorId,
  start: toIso(start),
  end: toIso(end),
  ...(withType && { appointmentTypeId: typeId }),
});

interface Placed {
  readonly refusal?: Refused;
  readonly overbooked: boolean;
  readonly walkIn: boolean;
}

/** The first rule that stands in the way; a taken slot does not stand in the way of who overbooks. */
function tryPlace(state: State, wish: Wish, overbooking: object | undefined, now: number): Placed {
  const obstacles = obstaclesTo(state, wish, now);
  const overbooked = overbooking !== undefined && obstacles.includes('slot-taken');
  const [code] = obstacles.filter((obstacle) => !(overbooked && obstacle === 'slot-taken'));
  const walkIn = wish.walkIn === true && wish.start === runningAt(now);
  if (code === undefined) return { overbooked, walkIn };
  return { overbooked, walkIn, refusal: { codes: [code], ...(hasAlternatives(code) && { wish }) } };
}

type Trace = Pick<Entry, 'reason' | 'overbooked' | 'overbookingReason' | 'changed' | 'walkIn'>;
const traceOf = ({ overbooked, walkIn }: Placed, overbooking: { reason: string } | undefined): Trace => ({
  ...(overbooked && overbooking && { reason: overbooking.reason, overbooked }),
  ...(walkIn && { walkIn }),
});

interface Made {
  readonly id: string;
  readonly patientId: string;
  readonly typeId: string;
  readonly reason: string | undefined;
  readonly wish: Wish;
  readonly trace: Trace;
}

function add(state: State, { wish, trace, ...made }: Made): Outcome {
  const { doctorId, type, holdId } = wish;
  const timeZone = state.doctors.get(doctorId)?.timeZone ?? '';
  const bare: Appointment = {
    ...made,
    ...visitOf(wish),
    ...{ doctorId, timeZone, doctorTime: doctorTimeOf(wish), typeId: type.id },
    ...{ status: 'booked', sequence: 0, reasons: [], version: 1, history: [] },
  };
  const entry: Entry = { by: 'administrator', action: 'booked', sequence: 0, to: timesOf(bare), ...trace };
  const appointment = { ...bare, history: [entry] };
  const expected: Expected = {
    ...{ status: 201, body: shown(appointment), version: 1 },
    location: `/api/v1/appointments/${made.id}`,
  };
  const left = holdId === undefined ? state : without(state, 'holds', holdId);
  return { expected, state: put(left, 'appointments', appointment) };
}

export function book(state: State, { body }: CallOf<'book'>, now: number, answer: Answer): Outcome {
  const { patientId, doctorId, appointmentTypeId: typeId, start, reason, holdId, overbooking, walkIn } = body;
  const type = state.types.get(typeId);
  if (!type) return refuse(state, 'appointment-type-not-found');
  const wish: Wish = { patientId, doctorId, type, start: toMillis(start), holdId, walkIn };
  const placed = tryPlace(state, wish, overbooking, now);
  if (placed.refusal) return { expected: placed.refusal, state };
  const trace = traceOf(placed, overbooking);
  return add(state, { id: newIdOf(answer), patientId, typeId, reason, wish, trace });
}

export function bookFirstFree(state: State, { body }: CallOf<'book-first-free'>, now: number, answer: Answer): Outcome {
  const { patientId, specialty, appointmentTypeId: typeId, from, to, reason } = body;
  const type = state.types.get(typeId);
  const patient = state.patients.get(patientId);
  if (!type) return refuse(state, 'appointment-type-not-found');
  if (!patient) return refuse(state, 'patient-not-found');
  if (!patient.active) return refuse(state, 'patient-inactive');
  if (!type.active) return refuse(state, 'appointment-type-inactive');
  const range = { start: toMillis(from), end: toMillis(to) };
  const [first] = freeSlots(state, doctorsOf(state, specialty), { ...range, type, patientId, limit: 1, now });
  if (!first) return refuse(state, 'nothing-free');
  const wish: Wish = { patientId, doctorId: first.doctorId, type, start: toMillis(first.start) };
  return add(state, { id: newIdOf(answer), patientId, typeId, reason, wish, trace: {} });
}

export const doctorsOf = (state: State, specialty: string): string[] =>
  [...state.doctors.values()].filter(({ specialties }) => specialties.includes(specialty)).map(({ id }) => id);

const MOVABLE: readonly string[] = ['booked'];

function moved(
  state: State,
  before: Appointment,
  wish: Wish,
  { action, trace }: { action: 'rescheduled' | 'updated'; trace: Trace },
): Outcome {
  const { doctorId, type, holdId } = wish;
  const to = { doctorId, ...visitOf(wish) };
  const isThere = before.doctorId === doctorId && before.start === to.start && before.end === to.end;
  const hasNewType = before.typeId !== type.id;
  if (isThere && !hasNewType) return { expected: { status: 200, body: shown(before), version: before.version }, state };
  const sequence = before.sequence + (isThere ? 0 : 1);
  const timeZone = state.doctors.get(doctorId)?.timeZone ?? '';
  const place = { ...to, timeZone, doctorTime: doctorTimeOf(wish), typeId: type.id };
  const after: Appointment = { ...before, ...place, sequence, reasons: [], version: before.version + 1 };
  const entry: Entry = {
    ...{ by: 'administrator', action, sequence, from: timesOf(before, hasNewType), to: timesOf(after, hasNewType) },
    ...trace,
  };
  const left = holdId === undefined ? state : without(state, 'holds', holdId);
  return {
    expected: { status: 200, body: shown(after), version: after.version },
    state: put(left, 'appointments', { ...after, history: [...before.history, entry] }),
  };
}

export function reschedule(state: State, { id, body, ifMatch }: CallOf<'reschedule'>, now: number): Outcome {
  const before = state.appointments.get(id);
  if (!before) return refuse(state, 'not-found');
  const meets = (outcome: Outcome) => provided(state, { ifMatch, version: before.version }, outcome);
  if (!MOVABLE.includes(before.status)) return meets(refuse(state, 'wrong-status'));
  const type = state.types.get(body.appointmentTypeId ?? before.typeId);
  if (!type) return meets(refuse(state, 'appointment-type-not-found'));
  const { patientId } = before;
  const { doctorId = before.doctorId, holdId, overbooking, walkIn } = body;
  const wish: Wish = { patientId, doctorId, type, start: toMillis(body.start), moving: id, holdId, walkIn };
  const placed = tryPlace(state, wish, overbooking, now);
  if (placed.refusal) return meets({ expected: placed.refusal, state });
  const { reason } = body;
  const beside = traceOf(placed, overbooking);
  const both = reason !== undefined && beside.reason !== undefined && { overbookingReason: beside.reason };
  const trace = { ...beside, ...(reason !== undefined && { reason }), ...both };
  return meets(moved(state, before, wish, { action: 'rescheduled', trace }));
}

const NOT_ENDED: readonly string[] = ['booked', 'arrived', 'checked-in'];
const FIELDS = ['typeId', 'reason', 'note'] as const;

type Notes = Pick<Appointment, 'reason' | 'note'>;
const patched = (now: string | undefined, patch: string | null | undefined): string | undefined =>
  patch === undefined ? now : (patch ?? undefined);

const changedOf = (before: Appointment, after: Pick<Appointment, (typeof FIELDS)[number]>) =>
  FIELDS.filter((field) => before[field] !== after[field]).map((field) =>
    field === 'typeId' ? 'appointmentTypeId' : field,
  );

/** Reason and note alone: nothing that it was booked on is looked at. */
function noted(state: State, before: Appointment, notes: Notes): Outcome {
  const changed = changedOf(before, { ...before, ...notes });
  if (changed.length === 0) return { expected: { status: 200, body: shown(before), version: before.version }, state };
  const { sequence, history } = before;
  const entry: Entry = { by: 'administrator', action: 'updated', sequence, changed };
  const after = { ...before, ...notes, version: before.version + 1, history: [...history, entry] };
  const expected: Expected = { status: 200, body: shown(after), version: after.version };
  return { expected, state: put(state, 'appointments', after) };
}

export function change(state: State, { id, patch, ifMatch }: CallOf<'change'>, now: number): Outcome {
  const before = state.appointments.get(id);
  if (!before) return refuse(state, 'not-found');
  const meets = (outcome: Outcome) => provided(state, { ifMatch, version: before.version }, outcome);
  const { appointmentTypeId: typeId = before.typeId } = patch;
  const notes = { reason: patched(before.reason, patch.reason), note: patched(before.note, patch.note) };
  const allowed = typeId === before.typeId ? NOT_ENDED : MOVABLE;
  if (!allowed.includes(before.status)) return meets(refuse(state, 'wrong-status'));
  if (typeId === before.typeId) return meets(noted(state, before, notes));
  const type = state.types.get(typeId);
  if (!type) return meets(refuse(state, 'appointment-type-not-found'));
  const { patientId, doctorId, start } = before;
  const wish: Wish = { patientId, doctorId, type, start, moving: id };
  const placed = tryPlace(state, wish, undefined, now);
  if (placed.refusal) return meets({ expected: placed.refusal, state });
  const changed = changedOf(before, { ...notes, typeId });
  return meets(moved(state, { ...before, ...notes }, wish, { action: 'updated', trace: { changed } }));
}

const shownHold = ({ id, doctorId, typeId, start, end, expiresAt }: Hold): object => ({
  ...{ id, doctorId, appointmentTypeId: typeId, start: toIso(start), end: toIso(end), expiresAt: toIso(expiresAt) },
});

export function hold(state: State, { body }: CallOf<'hold'>, now: number, answer: Answer): Outcome {
  const { doctorId, appointmentTypeId: typeId, walkIn } = body;
  const type = state.types.get(typeId);
  if (!type) return refuse(state, 'appointment-type-not-found');
  const wish: Wish = { doctorId, type, start: toMillis(body.start), walkIn };
  const { refusal } = tryPlace(state, wish, undefined, now);
  if (refusal) return { expected: refusal, state };
  const id = newIdOf(answer);
  const place = { ...visitOf(wish), doctorId, doctorTime: doctorTimeOf(wish) };
  const held: Hold = { id, typeId, ...place, expiresAt: expiryOf(answer, now) };
  const expected: Expected = { status: 201, body: shownHold(held), version: 1, location: `/api/v1/holds/${id}` };
  return { expected, state: put(state, 'holds', held) };
}

/** The system's, where that is five minutes after a moment since it was asked. */
function expiryOf({ body }: Answer, now: number): number {
  const told = fieldOf(body, 'expiresAt');
  const expiresAt = typeof told === 'string' ? toMillis(told) : Number.NaN;
  const begun = expiresAt - HOLD_MINUTES * MINUTE;
  return begun >= now && begun < now + MINUTE ? expiresAt : now + HOLD_MINUTES * MINUTE;
}

export function getHold(state: State, { id }: CallOf<'get-hold'>, now: number): Outcome {
  const held = liveHolds(state, now).find((one) => one.id === id);
  return held ? { expected: { status: 200, body: shownHold(held), version: 1 }, state } : refuse(state, 'not-found');
}

export function release(state: State, { id, ifMatch }: CallOf<'release'>, now: number): Outcome {
  if (!liveHolds(state, now).some((one) => one.id === id)) return refuse(state, 'not-found');
  const released: Outcome = { expected: { status: 204, body: undefined }, state: without(state, 'holds', id) };
  return provided(state, { ifMatch, version: 1 }, released);
}
