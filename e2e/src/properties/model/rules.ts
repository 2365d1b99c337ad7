/** The rules of booking, in the order of refusals, and the free slots. */
import type { Schemas } from '@daybook/client';
import { worksThrough } from './hours.ts';
import {
  type AppointmentType,
  type Doctor,
  type Interval,
  liveHolds,
  type State,
  standing,
  type Taken,
} from './state.ts';
import { CELL, DAY, MINUTE, toIso } from './units.ts';

export type Slot = Schemas['Slot'];

export type TypeRules = Omit<AppointmentType, 'name' | 'version' | 'cancellationDeadlineMinutes'>;

/** A request for time. All ends are on whole minutes. */
export interface BookingRequest {
  readonly patientId?: string | undefined;
  readonly doctorId: string;
  readonly type: TypeRules;
  readonly start: number;
  /** The appointment to move. */
  readonly reschedulingId?: string | undefined;
  readonly holdId?: string | undefined;
  /** Whether the current five minutes need no notice. */
  readonly walkIn?: boolean | undefined;
}

/** Returns the start of the current five minutes. */
export const runningAt = (now: number): number => Math.floor(now / CELL) * CELL;

export const visitOf = ({ start, type }: Pick<BookingRequest, 'start' | 'type'>): Interval => ({
  start,
  end: start + type.durationMinutes * MINUTE,
});

export const doctorTimeOf = ({ start, type }: Pick<BookingRequest, 'start' | 'type'>): Interval => ({
  start: start - type.bufferBeforeMinutes * MINUTE,
  end: start + (type.durationMinutes + type.bufferAfterMinutes) * MINUTE,
});

/** Returns all visits and holds of this doctor, except for the moved appointment and the used hold. */
const othersWith = (state: State, { doctorId, reschedulingId, holdId }: BookingRequest, now: number): Taken[] =>
  [...standing(state), ...liveHolds(state, now)].filter(
    (taken) => taken.doctorId === doctorId && taken.id !== reschedulingId && taken.id !== holdId,
  );

const within = (cell: number, { start, end }: Interval): boolean => start < cell + CELL && cell < end;

/** Returns whether, at some moment, more visits meet than their types' present capacities permit. */
function isTaken(state: State, request: BookingRequest, now: number): boolean {
  const others = othersWith(state, request, now);
  const { start, end } = doctorTimeOf(request);
  for (let cell = Math.floor(start / CELL) * CELL; cell < end; cell += CELL) {
    const there = others.filter(({ doctorTime }) => within(cell, doctorTime));
    const most = Math.min(request.type.capacity, ...there.map(({ typeId }) => state.types.get(typeId)?.capacity ?? 0));
    if (there.length + 1 > most) return true;
  }
  return false;
}

const isBusy = (state: State, { patientId, reschedulingId, ...request }: BookingRequest): boolean => {
  const visit = visitOf(request);
  const touches = ({ start, end }: Interval) => start < visit.end && visit.start < end;
  return standing(state).some(
    (other) => other.patientId === patientId && other.id !== reschedulingId && touches(other),
  );
};

const isHeld = (state: State, { holdId, doctorId, start }: BookingRequest, now: number): boolean =>
  liveHolds(state, now).some((hold) => hold.id === holdId && hold.doctorId === doctorId && hold.start === start);

export const offers = (doctor: Doctor, typeId: string): boolean => doctor.offers?.includes(typeId) ?? true;

/** Returns the broken rules about time, without patient or calendar. */
function rulesOfTime({ type, start, walkIn }: BookingRequest, doctor: Doctor | undefined, now: number): string[] {
  const codes: string[] = [];
  if (!type.active) codes.push('appointment-type-inactive');
  if (doctor && !offers(doctor, type.id)) codes.push('appointment-type-not-offered');
  if (start % CELL !== 0) codes.push('not-on-grid');
  const isWalkIn = walkIn === true && start === runningAt(now);
  if (start < now + type.minimumNoticeMinutes * MINUTE && !isWalkIn) codes.push('too-soon');
  if (start > now + type.planningHorizonDays * 24 * 60 * MINUTE) codes.push('too-far-ahead');
  if (doctor && !worksThrough(doctor, visitOf({ start, type }))) codes.push('outside-availability');
  return codes;
}

/** Returns the codes of all broken rules. Empty means that the request can be booked. */
export function violationsOf(state: State, request: BookingRequest, now: number): string[] {
  const { patientId, doctorId, holdId } = request;
  const doctor = state.doctors.get(doctorId);
  const patient = patientId === undefined ? undefined : state.patients.get(patientId);
  const codes: string[] = [];
  if (patientId !== undefined && !patient) codes.push('patient-not-found');
  if (patient?.active === false) codes.push('patient-inactive');
  if (!doctor) codes.push('doctor-not-found');
  if (holdId !== undefined && !isHeld(state, request, now)) codes.push('hold-expired');
  if (doctor?.active === false) codes.push('doctor-inactive');
  codes.push(...rulesOfTime(request, doctor, now));
  if (isTaken(state, request, now)) codes.push('slot-taken');
  if (patientId !== undefined && isBusy(state, request)) codes.push('patient-busy');
  return codes;
}

const slotOf = (state: State, request: BookingRequest): Slot => {
  const { start, end } = visitOf(request);
  const timeZone = state.doctors.get(request.doctorId)?.timeZone ?? '';
  return { doctorId: request.doctorId, start: toIso(start), end: toIso(end), timeZone, status: 'free' };
};

/** Returns the free slots that start in a range, in time order, then by doctor. */
export function freeSlots(state: State, doctorIds: readonly string[], wanted: Interval & Searched): Slot[] {
  const { type, patientId, limit, now, walkIn } = wanted;
  const slots: Slot[] = [];
  const first = Math.ceil(Math.max(wanted.start, runningAt(now)) / CELL) * CELL;
  for (let start = first; start < wanted.end && slots.length < limit; start += CELL) {
    for (const doctorId of doctorIds.toSorted()) {
      const request = { doctorId, type, start, patientId, walkIn };
      if (violationsOf(state, request, now).length === 0) slots.push(slotOf(state, request));
    }
  }
  return slots.slice(0, limit);
}

interface Searched {
  readonly type: TypeRules;
  readonly patientId?: string;
  readonly limit: number;
  readonly now: number;
  readonly walkIn?: boolean | undefined;
}

const WITH_ALTERNATIVES = ['slot-taken', 'patient-busy', 'hold-expired', 'outside-availability', 'too-soon'];
const ALTERNATIVES = 5;
/** The days around a request in which alternatives are searched. */
const AROUND = 60;

export const hasAlternatives = (code: string): boolean => WITH_ALTERNATIVES.includes(code);

/** Returns the nearest free slots in time order. Of two equally near, the earlier one comes first. */
export function alternativesTo(state: State, { holdId: _, ...request }: BookingRequest, now: number): Slot[] {
  const today = Math.floor(now / DAY);
  const firstDay = Math.max(today, Math.floor(Math.max(request.start, now) / DAY) - AROUND / 2);
  const range = { start: firstDay * DAY, end: (firstDay + AROUND) * DAY };
  const found: number[] = [];
  let before = Math.min(Math.floor(request.start / CELL) * CELL, range.end);
  let after = Math.max(before + CELL, range.start);
  while (found.length < ALTERNATIVES && (before >= range.start || after < range.end)) {
    const isBeforeNearer = before >= range.start && request.start - before <= after - request.start;
    const start = isBeforeNearer || after >= range.end ? before : after;
    if (start === before) before -= CELL;
    else after += CELL;
    if (visitOf({ ...request, start }).end > range.end) continue;
    if (violationsOf(state, { ...request, start }, now).length === 0) found.push(start);
  }
  return found.sort((a, b) => a - b).map((start) => slotOf(state, { ...request, start }));
}
