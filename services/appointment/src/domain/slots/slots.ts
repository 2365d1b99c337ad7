/** Slots: the starts that break no rule. */
import { instantTextOfMillis, MINUTE, type Slot, toMillis } from '@daybook/contracts';
import { type BookingFacts, earliestStart, isBookableAt, visitAt, walkInStart, zoneOf } from '../booking/rules.ts';
import { CELL_MILLIS, lastOnGrid, nextOnGrid } from './grid.ts';

/** Returns the start of a walk-in when it can be booked and precedes all ordinary starts. */
function freeWalkIn(facts: BookingFacts): number | undefined {
  const start = walkInStart(facts);
  if (start === undefined || start >= earliestStart(facts.now, facts.type)) return undefined;
  return isBookableAt(start, facts) ? start : undefined;
}

/** Yields every start from `from` on that can be booked, in time order. */
export function* freeStarts(facts: BookingFacts, from = Number.NEGATIVE_INFINITY): Generator<number> {
  const { now, type, doctor } = facts;
  const walkIn = freeWalkIn(facts);
  if (walkIn !== undefined && walkIn >= from) yield walkIn;
  const earliest = Math.max(from, earliestStart(now, type));
  for (const open of doctor.open) {
    const first = nextOnGrid(Math.max(open.start, earliest));
    for (let start = first; visitAt(start, type).end <= open.end; start += CELL_MILLIS) {
      if (isBookableAt(start, facts)) yield start;
    }
  }
}

/** Yields every start before `until` that can be booked, latest first. */
function* freeStartsBefore(until: number, facts: BookingFacts): Generator<number> {
  const { now, type, doctor } = facts;
  const earliest = earliestStart(now, type);
  for (const open of doctor.open.toReversed()) {
    const last = lastOnGrid(Math.min(open.end - type.durationMinutes * MINUTE, until - 1));
    for (let start = last; start >= Math.max(open.start, earliest); start -= CELL_MILLIS) {
      if (isBookableAt(start, facts)) yield start;
    }
  }
  const walkIn = freeWalkIn(facts);
  if (walkIn !== undefined && walkIn < until) yield walkIn;
}

export function slotAt(start: number, { type, doctor }: BookingFacts): Slot {
  const visit = visitAt(start, type);
  return {
    doctorId: doctor.id,
    start: instantTextOfMillis(visit.start),
    end: instantTextOfMillis(visit.end),
    timeZone: zoneOf(visit, doctor),
    status: 'free',
  };
}

/** The position of a slot in a search. Slots are ordered by start, then by doctor. */
export interface SlotPosition {
  /** Milliseconds since 1970 UTC. */
  readonly start: number;
  readonly doctorId: string;
}

const follows = (slot: SlotPosition, after: SlotPosition): boolean =>
  slot.start > after.start || (slot.start === after.start && slot.doctorId > after.doctorId);

export const positionOf = ({ start, doctorId }: Slot): SlotPosition => ({ start: toMillis(start), doctorId });

/** Returns the first free slots of several doctors that start before `until` and follow a position, in order. */
export function firstSlots(
  doctors: readonly BookingFacts[],
  until: number,
  limit: number,
  after: SlotPosition = { start: Number.NEGATIVE_INFINITY, doctorId: '' },
): Slot[] {
  return doctors
    .flatMap((facts) =>
      freeStarts(facts, after.start)
        .filter((start) => follows({ start, doctorId: facts.doctor.id }, after))
        .take(limit)
        .map((start) => ({ start, facts }))
        .toArray(),
    )
    .filter(({ start }) => start < until)
    .sort((a, b) => a.start - b.start || (a.facts.doctor.id < b.facts.doctor.id ? -1 : 1))
    .slice(0, limit)
    .map(({ start, facts }) => slotAt(start, facts));
}

/** Returns the free slots nearest to a requested time, in time order. */
export function nearestSlots(requestedStart: number, facts: BookingFacts, limit: number): Slot[] {
  return [...freeStarts(facts, requestedStart).take(limit), ...freeStartsBefore(requestedStart, facts).take(limit)]
    .sort((a, b) => Math.abs(a - requestedStart) - Math.abs(b - requestedStart) || a - b)
    .slice(0, limit)
    .sort((a, b) => a - b)
    .map((start) => slotAt(start, facts));
}
