/**
 * The rules of booking.
 * Slots, bookings and alternatives all call one function, so each slot that is shown can be booked.
 */
import { type AppointmentType, DAY, MINUTE, type ProblemCode, problems, Refusal } from '@daybook/contracts';
import { type Cells, cellsOf, type Interval, isOnGrid, lastOnGrid } from '../slots/grid.ts';

/** Seats that are taken, by cell. A missing key means that the cell is free. */
export type TakenSeats = ReadonlyMap<number, number>;

export const NOTHING_TAKEN: TakenSeats = new Map();

/** The fields of an appointment type that the rules read. */
export type TypeRules = Pick<
  AppointmentType,
  | 'id'
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
  /** Rises with every change; the `sequence` of the event about it. */
  readonly version: number;
}

/** Open hours, with their zone where it differs from the doctor's usual zone. */
export interface OpenHours extends Interval {
  readonly timeZone?: string | undefined;
}

export interface DoctorFacts {
  readonly id: string;
  /** Rises with every change of the doctor, hours and exceptions included; the `sequence` of the event about it. */
  readonly version: number;
  readonly timeZone: string;
  readonly active: boolean;
  /** The ids of the appointment types that the doctor offers; undefined: all. */
  readonly offers: ReadonlySet<string> | undefined;
  /** The doctor's working time: in order, not overlapping, not touching. */
  readonly open: readonly OpenHours[];
  /** When the clinic is closed. The doctor may work then in spite of it; undefined: never. */
  readonly closed?: readonly Interval[] | undefined;
}

/** All facts that the rules read. Times in milliseconds since 1970 UTC. */
export interface BookingFacts {
  readonly now: number;
  readonly type: TypeRules;
  readonly doctor: DoctorFacts;
  readonly takenOfDoctor: TakenSeats;
  readonly takenOfPatient: TakenSeats;
  /** Whether staff requests a walk-in, which may start in the current five minutes without notice. */
  readonly walkIn?: boolean | undefined;
}

/** Returns the time of the visit itself, which the patient attends. */
export const visitAt = (start: number, type: TypeRules): Interval => ({
  start,
  end: start + type.durationMinutes * MINUTE,
});

/** Returns a visit with the buffers of its type, which the doctor needs. */
export const withBuffers = ({ start, end }: Interval, type: TypeRules): Interval => ({
  start: start - type.bufferBeforeMinutes * MINUTE,
  end: end + type.bufferAfterMinutes * MINUTE,
});

/** Returns the time that the doctor needs for a visit that starts then. */
export const doctorTimeAt = (start: number, type: TypeRules): Interval => withBuffers(visitAt(start, type), type);

export const earliestStart = (now: number, type: TypeRules): number => now + type.minimumNoticeMinutes * MINUTE;

/** Returns the start of a requested walk-in: the current five minutes. */
export const walkInStart = ({ now, walkIn }: Pick<BookingFacts, 'now' | 'walkIn'>): number | undefined =>
  walkIn ? lastOnGrid(now) : undefined;

/** Returns the end of the horizon in days of 24 hours, because calendars and zones can change. */
export const latestStart = (now: number, type: TypeRules): number => now + type.planningHorizonDays * DAY;

export const isFull = (cells: Cells, taken: TakenSeats, capacity: number): boolean => {
  for (let cell = cells.first; cell < cells.end; cell += 1) {
    if ((taken.get(cell) ?? 0) >= capacity) return true;
  }
  return false;
};

/** Returns the hours that contain all of a visit: the last that begin no later, or undefined. */
export function hoursAt({ start, end }: Interval, open: readonly OpenHours[]): OpenHours | undefined {
  let [low, high] = [0, open.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((open[middle]?.start ?? 0) <= start) low = middle + 1;
    else high = middle;
  }
  const hours = open[low - 1];
  return hours !== undefined && end <= hours.end ? hours : undefined;
}

/** Returns whether the clinic is closed during a part of a visit. */
const isClosedDuring = (visit: Interval, { closed = [] }: Pick<DoctorFacts, 'closed'>): boolean =>
  closed.some(({ start, end }) => start < visit.end && visit.start < end);

/** Why a doctor does not work during a visit. */
type Absence = Extract<ProblemCode, 'clinic-closed' | 'outside-availability'>;

/** Returns why the doctor does not work during all of a visit; undefined when the doctor does. */
export function absenceDuring(visit: Interval, doctor: Pick<DoctorFacts, 'open' | 'closed'>): Absence | undefined {
  if (hoursAt(visit, doctor.open)) return undefined;
  return isClosedDuring(visit, doctor) ? 'clinic-closed' : 'outside-availability';
}

/** Returns the zone that the doctor works in during a visit. */
export const zoneOf = (visit: Interval, { open, timeZone }: DoctorFacts): string =>
  hoursAt(visit, open)?.timeZone ?? timeZone;

/** Returns whether a doctor offers an appointment type. */
export const offersType = ({ offers }: Pick<DoctorFacts, 'offers'>, typeId: string): boolean =>
  offers === undefined || offers.has(typeId.toLowerCase());

/** Returns whether a visit that starts then breaks the rule. */
type IsBroken = (start: number, facts: BookingFacts) => boolean;

/** The rules by their refusal codes, the one to report first in front. */
const RULES: readonly (readonly [ProblemCode, IsBroken])[] = [
  ['doctor-inactive', (_, { doctor }) => !doctor.active],
  ['appointment-type-inactive', (_, { type }) => !type.active],
  ['appointment-type-not-offered', (_, { type, doctor }) => !offersType(doctor, type.id)],
  ['not-on-grid', (start) => !isOnGrid(start)],
  ['too-soon', (start, facts) => start < earliestStart(facts.now, facts.type) && start !== walkInStart(facts)],
  ['too-far-ahead', (start, { now, type }) => start > latestStart(now, type)],
  [
    'clinic-closed',
    // Closures are few, so they are compared first.
    (start, { type, doctor }) =>
      isClosedDuring(visitAt(start, type), doctor) && !hoursAt(visitAt(start, type), doctor.open),
  ],
  [
    'outside-availability',
    (start, { type, doctor }) => absenceDuring(visitAt(start, type), doctor) === 'outside-availability',
  ],
  [
    'slot-taken',
    (start, { type, takenOfDoctor }) => isFull(cellsOf(doctorTimeAt(start, type)), takenOfDoctor, type.capacity),
  ],
  ['patient-busy', (start, { type, takenOfPatient }) => isFull(cellsOf(visitAt(start, type)), takenOfPatient, 1)],
];

/** The codes of all rules. */
export const RULE_CODES: readonly ProblemCode[] = RULES.map(([code]) => code);

/** Returns every rule that a visit at `start` breaks. Empty means that it can be booked. */
export const violationsAt = (start: number, facts: BookingFacts): ProblemCode[] =>
  RULES.filter(([, breaks]) => breaks(start, facts)).map(([code]) => code);

/** Returns whether a visit at `start` breaks no rule. */
export const isBookableAt = (start: number, facts: BookingFacts): boolean =>
  !RULES.some(([, breaks]) => breaks(start, facts));

/** Returns the text for people about a broken rule. */
export const detailOf = (violation: ProblemCode): string => `${problems[violation].title}.`;

/** Returns the refusal of a request that breaks a rule. */
export const refusalFor = (violation: ProblemCode): Refusal => new Refusal(violation, detailOf(violation));
