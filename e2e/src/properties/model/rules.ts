/** What stands in the way of a visit, in the order in which a booking is refused; and what is free. */
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

/** What somebody asks for. Both ends of everything are on whole minutes. */
export interface BookingRequest {
  readonly patientId?: string | undefined;
  readonly doctorId: string;
  readonly type: TypeRules;
  readonly start: number;
  /** The appointment that is to be moved. */
  readonly reschedulingId?: string | undefined;
  readonly holdId?: string | undefined;
  /** Whether the running five minutes need no notice. */
  readonly walkIn?: boolean | undefined;
}

/** The start of the five minutes that are running. */
export const runningAt = (now: number): number => Math.floor(now / CELL) * CELL;

export const visitOf = ({ start, type }: Pick<BookingRequest, 'start' | 'type'>): Interval => ({
  start,
  end: start + type.durationMinutes * MINUTE,
});

export const doctorTimeOf = ({ start, type }: Pick<BookingRequest, 'start' | 'type'>): Interval => ({
  start: start - type.bufferBeforeMinutes * MINUTE,
  end: start + (type.durationMinutes + type.bufferAfterMinutes) * MINUTE,
});

/** All who have this doctor's time, but for the one that is moved and the hold that is used. */
const othersWith = (state: State, { doctorId, reschedulingId, holdId }: BookingRequest, now: number): Taken[] =>
  [...standing(state), ...liveHolds(state, now)].filter(
    (taken) => taken.doctorId === doctorId && taken.id !== reschedulingId && taken.id !== holdId,
  );

const within = (cell: number, { start, end }: Interval): boolean => start < cell + CELL && cell < end;

/** At no moment are there more than the types of those who are there, and of this one, let share it now. */
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

/** The rules that look at the time, and not at who comes or what else is there. */
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

/** The codes of all rules that stand in the way; none: it can be booked. */
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

/** The free slots that start in a range, in time order, then by doctor. */
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
/** How many days around a wish are looked at. */
const AROUND = 60;

export const hasAlternatives = (code: string): boolean => WITH_ALTERNATIVES.includes(code);

/** What is free around a wish that cannot be: the nearest, of two as near the earlier one, in time order. */
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
