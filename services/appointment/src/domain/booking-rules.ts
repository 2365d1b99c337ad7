/**
 * The rules of booking. One function says what stands in the way of a start; slots, bookings and alternatives all ask
 * it, so that what is shown is what can be booked (rule 4 of the product).
 */
import { type AppointmentType, type ProblemCode, problems } from '@daybook/contracts';
import { type Cells, cellsOf, type Interval, isOnGrid } from './grid.ts';
import { DAY, MINUTE } from './time.ts';

/** How many seats are taken in a cell; a cell that is not there is free. */
export type TakenSeats = ReadonlyMap<number, number>;

export const NOTHING_TAKEN: TakenSeats = new Map();

/** What of an appointment type the rules look at. */
export type TypeRules = Pick<
  AppointmentType,
  | 'durationMinutes'
  | 'bufferBeforeMinutes'
  | 'bufferAfterMinutes'
  | 'minimumNoticeMinutes'
  | 'planningHorizonDays'
  | 'capacity'
  | 'active'
>;

export interface PatientFacts {
  readonly active: boolean;
  /** Rises with every change; the `sequence` of the event that tells of it. */
  readonly version: number;
}

export interface DoctorFacts {
  readonly id: string;
  /** Rises with every change of the doctor, hours and exceptions included; the `sequence` of the event that tells of it. */
  readonly version: number;
  readonly timeZone: string;
  readonly active: boolean;
  /** When the doctor works: in order, not overlapping, not touching. */
  readonly open: readonly Interval[];
}

/** Everything that the rules need to know. Times in milliseconds since 1970 UTC. */
export interface BookingFacts {
  readonly now: number;
  readonly type: TypeRules;
  readonly doctor: DoctorFacts;
  readonly takenOfDoctor: TakenSeats;
  readonly takenOfPatient: TakenSeats;
}

/** The visit itself, which the patient takes part in. */
export const visitAt = (start: number, type: TypeRules): Interval => ({
  start,
  end: start + type.durationMinutes * MINUTE,
});

/** The visit with the time that the doctor needs around it. */
export function doctorTimeAt(start: number, type: TypeRules): Interval {
  const visit = visitAt(start, type);
  return { start: visit.start - type.bufferBeforeMinutes * MINUTE, end: visit.end + type.bufferAfterMinutes * MINUTE };
}

export const earliestStart = (now: number, type: TypeRules): number => now + type.minimumNoticeMinutes * MINUTE;

/** The horizon is counted in days of the doctor's calendar. */
export const latestStart = (now: number, type: TypeRules, timeZone: string): number =>
  Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(timeZone).add({ days: type.planningHorizonDays })
    .epochMilliseconds;

/** The calendar is asked only near the horizon: no clock change moves it by two days, and most starts are long before. */
const isTooFarAhead = (start: number, { now, type, doctor }: BookingFacts): boolean =>
  start > now + (type.planningHorizonDays - 2) * DAY && start > latestStart(now, type, doctor.timeZone);

export const isFull = (cells: Cells, taken: TakenSeats, capacity: number): boolean => {
  for (let cell = cells.first; cell < cells.end; cell += 1) {
    if ((taken.get(cell) ?? 0) >= capacity) return true;
  }
  return false;
};

/** Every rule that stands in the way of a visit at `start`, the one to name first in front. Empty: it can be booked. */
export function obstaclesAt(start: number, facts: BookingFacts): ProblemCode[] {
  const { now, type, doctor, takenOfDoctor, takenOfPatient } = facts;
  const visit = visitAt(start, type);
  const obstacles: ProblemCode[] = [];
  if (!doctor.active) obstacles.push('doctor-inactive');
  if (!type.active) obstacles.push('appointment-type-inactive');
  if (!isOnGrid(start)) obstacles.push('not-on-grid');
  if (start < earliestStart(now, type)) obstacles.push('too-soon');
  if (isTooFarAhead(start, facts)) obstacles.push('too-far-ahead');
  if (!doctor.open.some((open) => open.start <= visit.start && visit.end <= open.end)) {
    obstacles.push('outside-availability');
  }
  if (isFull(cellsOf(doctorTimeAt(start, type)), takenOfDoctor, type.capacity)) obstacles.push('slot-taken');
  if (isFull(cellsOf(visit), takenOfPatient, 1)) obstacles.push('patient-busy');
  return obstacles;
}

/** How a rule that stands in the way is said to people. */
export const detailOf = (obstacle: ProblemCode): string => `${problems[obstacle].title}.`;
