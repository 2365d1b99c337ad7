/**
 * The rules of booking. One function says what stands in the way of a start; slots, bookings and alternatives all ask
 * it, so that what is shown is what can be booked (rule 4 of the product).
 */
import { type AppointmentType, type ProblemCode, problems } from '@daybook/contracts';
import { type Cells, cellsOf, type Interval, isOnGrid, lastOnGrid } from '../slots/grid.ts';
import { DAY, MINUTE } from '../time.ts';

/** How many seats are taken in a cell; a cell that is not there is free. */
export type TakenSeats = ReadonlyMap<number, number>;

export const NOTHING_TAKEN: TakenSeats = new Map();

/** What of an appointment type the rules look at. */
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
  /** Rises with every change; the `sequence` of the event that tells of it. */
  readonly version: number;
}

/** Where the doctor works in another zone than usual then, with that zone. */
export interface OpenHours extends Interval {
  readonly timeZone?: string | undefined;
}

export interface DoctorFacts {
  readonly id: string;
  /** Rises with every change of the doctor, hours and exceptions included; the `sequence` of the event that tells of it. */
  readonly version: number;
  readonly timeZone: string;
  readonly active: boolean;
  /** The ids of the appointment types that the doctor offers; undefined: all. */
  readonly offers: ReadonlySet<string> | undefined;
  /** When the doctor works: in order, not overlapping, not touching. */
  readonly open: readonly OpenHours[];
}

/** Everything that the rules need to know. Times in milliseconds since 1970 UTC. */
export interface BookingFacts {
  readonly now: number;
  readonly type: TypeRules;
  readonly doctor: DoctorFacts;
  readonly takenOfDoctor: TakenSeats;
  readonly takenOfPatient: TakenSeats;
  /** Whether staff asks for a walk-in: the running five minutes need no notice. */
  readonly walkIn?: boolean | undefined;
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

/** The start of a walk-in, where one is asked for: the five minutes that are running. */
export const walkInStart = ({ now, walkIn }: Pick<BookingFacts, 'now' | 'walkIn'>): number | undefined =>
  walkIn ? lastOnGrid(now) : undefined;

/** Days of 24 hours: no calendar and no zone, which could be another tomorrow, moves the horizon. */
export const latestStart = (now: number, type: TypeRules): number => now + type.planningHorizonDays * DAY;

export const isFull = (cells: Cells, taken: TakenSeats, capacity: number): boolean => {
  for (let cell = cells.first; cell < cells.end; cell += 1) {
    if ((taken.get(cell) ?? 0) >= capacity) return true;
  }
  return false;
};

/** The hours that hold all of a visit: the last that begin no later, or none. */
export function hoursAt({ start, end }: Interval, open: readonly OpenHours[]): OpenHours | undefined {
  let [low, high] = [0, open.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((open[middle]?.start ?? 0) <= start) low = middle + 1;
    else high = middle;
  }
  const candidate = open[low - 1];
  return candidate !== undefined && end <= candidate.end ? candidate : undefined;
}

/** The zone that the doctor works in during a visit. */
export const zoneOf = (visit: Interval, { open, timeZone }: DoctorFacts): string =>
  hoursAt(visit, open)?.timeZone ?? timeZone;

/** Returns whether a doctor offers an appointment type. */
export const offersType = ({ offers }: Pick<DoctorFacts, 'offers'>, typeId: string): boolean =>
  offers === undefined || offers.has(typeId.toLowerCase());

/** Whether a visit that starts then breaks the rule. */
type IsBroken = (start: number, facts: BookingFacts) => boolean;

/** The rules, by what a booking that breaks them is refused with; the one to name first in front. */
const RULES: readonly (readonly [ProblemCode, IsBroken])[] = [
  ['doctor-inactive', (_, { doctor }) => !doctor.active],
  ['appointment-type-inactive', (_, { type }) => !type.active],
  ['appointment-type-not-offered', (_, { type, doctor }) => !offersType(doctor, type.id)],
  ['not-on-grid', (start) => !isOnGrid(start)],
  ['too-soon', (start, facts) => start < earliestStart(facts.now, facts.type) && start !== walkInStart(facts)],
  ['too-far-ahead', (start, { now, type }) => start > latestStart(now, type)],
  ['outside-availability', (start, { type, doctor }) => !hoursAt(visitAt(start, type), doctor.open)],
  [
    'slot-taken',
    (start, { type, takenOfDoctor }) => isFull(cellsOf(doctorTimeAt(start, type)), takenOfDoctor, type.capacity),
  ],
  ['patient-busy', (start, { type, takenOfPatient }) => isFull(cellsOf(visitAt(start, type)), takenOfPatient, 1)],
];

/** Every rule that stands in the way of a visit at `start`. Empty: it can be booked. */
export const violationsAt = (start: number, facts: BookingFacts): ProblemCode[] =>
  RULES.filter(([, breaks]) => breaks(start, facts)).map(([code]) => code);

/** Whether nothing stands in the way. */
export const isBookableAt = (start: number, facts: BookingFacts): boolean =>
  !RULES.some(([, breaks]) => breaks(start, facts));

/** How a rule that stands in the way is said to people. */
export const detailOf = (violation: ProblemCode): string => `${problems[violation].title}.`;
