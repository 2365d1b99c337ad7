/** The free slots nearest to a wish that cannot be. */
import { MAX_SLOT_DAYS, type ProblemCode, Refusal, type Slot } from '@daybook/contracts';
import type { BookingFacts } from './booking-rules.ts';
import type { Interval } from './grid.ts';
import type { Asking, BookingParts } from './ports.ts';
import { nearestSlots } from './slots.ts';
import { DAY } from './time.ts';
import { readTaken, type Wish } from './wish.ts';

const ALTERNATIVES = 5;
/** Looked at first, and then, when it holds too few free slots. Both within what the doctor service answers at once. */
const SEARCH_DAYS = [14, MAX_SLOT_DAYS];

/** The refusals that come with the nearest free slots. */
const WITH_ALTERNATIVES: readonly ProblemCode[] = ['slot-taken', 'patient-busy', 'outside-availability', 'too-soon'];

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

async function searchAlternatives(parts: BookingParts, wish: Wish, asking: Asking): Promise<Slot[]> {
  const now = parts.clock().epochMilliseconds;
  const around = Math.max(wish.start, now);
  let slots: Slot[] = [];
  for (const days of SEARCH_DAYS) {
    const start = Math.max(now, around - (days * DAY) / 2);
    const facts = await readFacts(parts, wish, { start, end: start + days * DAY }, asking);
    slots = facts ? nearestSlots(wish.start, facts, ALTERNATIVES) : [];
    if (slots.length === ALTERNATIVES) break;
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
    readTaken(store, wish, margin, asking),
  ]);
  return doctor && { now: clock().epochMilliseconds, type: wish.type, doctor, ...taken };
}
