/** Books, moves and holds in the model. */
import type { ApiResponse, CallOf } from './calls.ts';
import { type Expected, fieldOf, type Outcome, type Refused } from './expected.ts';
import { provided, refuse } from './preconditions.ts';
import {
  type BookingRequest,
  doctorTimeOf,
  freeSlots,
  hasAlternatives,
  runningAt,
  violationsOf,
  visitOf,
} from './rules.ts';
import { type Appointment, type Entry, type Hold, liveHolds, put, type State, without } from './state.ts';
import { MINUTE, toIso, toMillis } from './units.ts';

const HOLD_MINUTES = 5;

/** Returns the id of the created resource, which the system chooses. */
export const newIdOf = ({ body }: ApiResponse): string => String(fieldOf(body, 'id'));

export function representationOf(appointment: Appointment): object {
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

interface Placement {
  readonly refusal?: Refused;
  readonly overbooked: boolean;
  readonly walkIn: boolean;
}

/** Returns the first broken rule. A taken slot does not reject an overbooking. */
function validatePlacement(
  state: State,
  request: BookingRequest,
  overbooking: object | undefined,
  now: number,
): Placement {
  const violations = violationsOf(state, request, now);
  const overbooked = overbooking !== undefined && violations.includes('slot-taken');
  const [code] = violations.filter((violation) => !(overbooked && violation === 'slot-taken'));
  const walkIn = request.walkIn === true && request.start === runningAt(now);
  if (code === undefined) return { overbooked, walkIn };
  return { overbooked, walkIn, refusal: { codes: [code], ...(hasAlternatives(code) && { request }) } };
}

type Trace = Pick<Entry, 'reason' | 'overbooked' | 'overbookingReason' | 'changed' | 'walkIn'>;
const traceOf = ({ overbooked, walkIn }: Placement, overbooking: { reason: string } | undefined): Trace => ({
  ...(overbooked && overbooking && { reason: overbooking.reason, overbooked }),
  ...(walkIn && { walkIn }),
});

interface NewBooking {
  readonly id: string;
  readonly patientId: string;
  readonly typeId: string;
  readonly reason: string | undefined;
  readonly request: BookingRequest;
  readonly trace: Trace;
}

function add(state: State, { request, trace, ...made }: NewBooking): Outcome {
  const { doctorId, type, holdId } = request;
  const timeZone = state.doctors.get(doctorId)?.timeZone ?? '';
  const bare: Appointment = {
    ...made,
    ...visitOf(request),
    ...{ doctorId, timeZone, doctorTime: doctorTimeOf(request), typeId: type.id },
    ...{ status: 'booked', sequence: 0, reasons: [], version: 1, history: [] },
  };
  const entry: Entry = { by: 'administrator', action: 'booked', sequence: 0, to: timesOf(bare), ...trace };
  const appointment = { ...bare, history: [entry] };
  const expected: Expected = {
    ...{ status: 201, body: representationOf(appointment), version: 1 },
    location: `/api/v1/appointments/${made.id}`,
  };
  const remaining = holdId === undefined ? state : without(state, 'holds', holdId);
  return { expected, state: put(remaining, 'appointments', appointment) };
}

export function book(state: State, { body }: CallOf<'book'>, now: number, response: ApiResponse): Outcome {
  const { patientId, doctorId, appointmentTypeId: typeId, start, reason, holdId, overbooking, walkIn } = body;
  const type = state.types.get(typeId);
  if (!type) return refuse(state, 'appointment-type-not-found');
  const request: BookingRequest = { patientId, doctorId, type, start: toMillis(start), holdId, walkIn };
  const placement = validatePlacement(state, request, overbooking, now);
  if (placement.refusal) return { expected: placement.refusal, state };
  const trace = traceOf(placement, overbooking);
  return add(state, { id: newIdOf(response), patientId, typeId, reason, request, trace });
}

export function bookFirstFree(
  state: State,
  { body }: CallOf<'book-first-free'>,
  now: number,
  response: ApiResponse,
): Outcome {
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
  const request: BookingRequest = { patientId, doctorId: first.doctorId, type, start: toMillis(first.start) };
  return add(state, { id: newIdOf(response), patientId, typeId, reason, request, trace: {} });
}

export const doctorsOf = (state: State, specialty: string): string[] =>
  [...state.doctors.values()].filter(({ specialties }) => specialties.includes(specialty)).map(({ id }) => id);

const MOVABLE: readonly string[] = ['booked'];

function moved(
  state: State,
  before: Appointment,
  request: BookingRequest,
  { action, trace }: { action: 'rescheduled' | 'updated'; trace: Trace },
): Outcome {
  const { doctorId, type, holdId } = request;
  const to = { doctorId, ...visitOf(request) };
  const isThere = before.doctorId === doctorId && before.start === to.start && before.end === to.end;
  const hasNewType = before.typeId !== type.id;
  if (isThere && !hasNewType)
    return { expected: { status: 200, body: representationOf(before), version: before.version }, state };
  const sequence = before.sequence + (isThere ? 0 : 1);
  const timeZone = state.doctors.get(doctorId)?.timeZone ?? '';
  const times = { ...to, timeZone, doctorTime: doctorTimeOf(request), typeId: type.id };
  const after: Appointment = { ...before, ...times, sequence, reasons: [], version: before.version + 1 };
  const entry: Entry = {
    ...{ by: 'administrator', action, sequence, from: timesOf(before, hasNewType), to: timesOf(after, hasNewType) },
    ...trace,
  };
  const remaining = holdId === undefined ? state : without(state, 'holds', holdId);
  return {
    expected: { status: 200, body: representationOf(after), version: after.version },
    state: put(remaining, 'appointments', { ...after, history: [...before.history, entry] }),
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
  const request: BookingRequest = {
    patientId,
    doctorId,
    type,
    start: toMillis(body.start),
    reschedulingId: id,
    holdId,
    walkIn,
  };
  const placement = validatePlacement(state, request, overbooking, now);
  if (placement.refusal) return meets({ expected: placement.refusal, state });
  const { reason } = body;
  const placementTrace = traceOf(placement, overbooking);
  const both = reason !== undefined &&
    placementTrace.reason !== undefined && { overbookingReason: placementTrace.reason };
  const trace = { ...placementTrace, ...(reason !== undefined && { reason }), ...both };
  return meets(moved(state, before, request, { action: 'rescheduled', trace }));
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

/** Changes reason and note alone, without a check of facts. */
function noted(state: State, before: Appointment, notes: Notes): Outcome {
  const changed = changedOf(before, { ...before, ...notes });
  if (changed.length === 0)
    return { expected: { status: 200, body: representationOf(before), version: before.version }, state };
  const { sequence, history } = before;
  const entry: Entry = { by: 'administrator', action: 'updated', sequence, changed };
  const after = { ...before, ...notes, version: before.version + 1, history: [...history, entry] };
  const expected: Expected = { status: 200, body: representationOf(after), version: after.version };
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
  const request: BookingRequest = { patientId, doctorId, type, start, reschedulingId: id };
  const placement = validatePlacement(state, request, undefined, now);
  if (placement.refusal) return meets({ expected: placement.refusal, state });
  const changed = changedOf(before, { ...notes, typeId });
  return meets(moved(state, { ...before, ...notes }, request, { action: 'updated', trace: { changed } }));
}

const holdRepresentation = ({ id, doctorId, typeId, start, end, expiresAt }: Hold): object => ({
  ...{ id, doctorId, appointmentTypeId: typeId, start: toIso(start), end: toIso(end), expiresAt: toIso(expiresAt) },
});

export function hold(state: State, { body }: CallOf<'hold'>, now: number, response: ApiResponse): Outcome {
  const { doctorId, appointmentTypeId: typeId, walkIn } = body;
  const type = state.types.get(typeId);
  if (!type) return refuse(state, 'appointment-type-not-found');
  const request: BookingRequest = { doctorId, type, start: toMillis(body.start), walkIn };
  const { refusal } = validatePlacement(state, request, undefined, now);
  if (refusal) return { expected: refusal, state };
  const id = newIdOf(response);
  const times = { ...visitOf(request), doctorId, doctorTime: doctorTimeOf(request) };
  const held: Hold = { id, typeId, ...times, expiresAt: expiryOf(response, now) };
  const expected: Expected = {
    status: 201,
    body: holdRepresentation(held),
    version: 1,
    location: `/api/v1/holds/${id}`,
  };
  return { expected, state: put(state, 'holds', held) };
}

/** Returns the system's expiry if it is five minutes after a moment since the request. */
function expiryOf({ body }: ApiResponse, now: number): number {
  const reported = fieldOf(body, 'expiresAt');
  const expiresAt = typeof reported === 'string' ? toMillis(reported) : Number.NaN;
  const createdAt = expiresAt - HOLD_MINUTES * MINUTE;
  return createdAt >= now && createdAt < now + MINUTE ? expiresAt : now + HOLD_MINUTES * MINUTE;
}

export function getHold(state: State, { id }: CallOf<'get-hold'>, now: number): Outcome {
  const held = liveHolds(state, now).find((one) => one.id === id);
  return held
    ? { expected: { status: 200, body: holdRepresentation(held), version: 1 }, state }
    : refuse(state, 'not-found');
}

export function release(state: State, { id, ifMatch }: CallOf<'release'>, now: number): Outcome {
  if (!liveHolds(state, now).some((one) => one.id === id)) return refuse(state, 'not-found');
  const released: Outcome = { expected: { status: 204, body: undefined }, state: without(state, 'holds', id) };
  return provided(state, { ifMatch, version: 1 }, released);
}
