/** The free slots nearest to a wish that cannot be. */
import { MAX_SLOT_DAYS, type ProblemCode, Refusal, type Slot } from '@daybook/contracts';
import type { BookingFacts } from './booking-rules.ts';
import type { Interval } from './grid.ts';
import type { Asking, BookingParts } from './ports.ts';
import { nearestSlots } from './slots.ts';
import { DAY, MINUTE, toMillis } from './time.ts';
import { readTaken, type Wish } from './wish.ts';

const ALTERNATIVES = 5;
/** Looked at first, and then, when it holds too few free slots. Both within what the doctor service answers at once. */
const SEARCH_DAYS = [6, MAX_SLOT_DAYS - 1];

/** The refusals that come with the nearest free slots. */
const WITH_ALTERNATIVES: readonly ProblemCode[] = [
  'slot-taken',
  'patient-busy',
  'hold-expired',
  'outside-availability',
  'too-soon',
];

/** Whether another time would help against a refusal. */
export const hasAlternatives = (code: ProblemCode): boolean => WITH_ALTERNATIVES.includes(code);

/** The free slots nearest to what was wished, that this patient can have; none when they cannot be looked up now. */
export async function findAlternatives(parts: BookingParts, wish: Wish, asking: Asking): Promise<Slot[]> {
  try {
    return await searchAlternatives(parts, wish, asking);
  } catch (error) {
    // The refusal is true all the same.
    if (error instanceof Refusal && error.code === 'part-unavailable') return [];
    throw error;
  }
}

/** Whole days, so that all who are refused on one day ask the same. */
function daysAround(wished: number, now: number, days: number): Interval {
  const today = Math.floor(now / DAY);
  const first = Math.max(today, Math.floor(Math.max(wished, now) / DAY) - Math.floor(days / 2));
  return { start: first * DAY, end: (first + days) * DAY };
}

/** Whether nothing outside of the range can be nearer than these slots. */
function areNearest(slots: readonly Slot[], wish: Wish, range: Interval, now: number): boolean {
  if (slots.length < ALTERNATIVES) return false;
  const before = range.start <= now ? Number.POSITIVE_INFINITY : wish.start - range.start;
  const after = range.end - wish.type.durationMinutes * MINUTE - wish.start;
  const reach = Math.min(before, after);
  return slots.every(({ start }) => Math.abs(toMillis(start) - wish.start) <= reach);
}

async function searchAlternatives(parts: BookingParts, wish: Wish, asking: Asking): Promise<Slot[]> {
  const now = parts.clock().epochMilliseconds;
  let slots: Slot[] = [];
  for (const days of SEARCH_DAYS) {
    const range = daysAround(wish.start, now, days);
    const facts = await readFacts(parts, wish, range, asking);
    slots = facts ? nearestSlots(wish.start, facts, ALTERNATIVES) : [];
    if (areNearest(slots, wish, range, now)) break;
  }
  return slots;
}

/** All that the rules need about a range; undefined when there is no such doctor. */
async function readFacts(
  { directory, store, clock }: BookingParts,
  wish: Wish,
  range: Interval,
  asking: Asking,
): Promise<BookingFacts | undefined> {
  const margin = { start: range.start - DAY, end: range.end + DAY };
  const [doctor, taken] = await Promise.all([
    directory.doctor(wish.doctorId, range, asking),
    // A hold keeps its time: even who has it cannot book another start in that.
    readTaken(store, { ...wish, holdId: undefined }, margin, asking),
  ]);
  return doctor && { now: clock().epochMilliseconds, type: wish.type, doctor, walkIn: wish.walkIn, ...taken };
}
