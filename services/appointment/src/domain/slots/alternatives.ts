/** Finds the free slots nearest to a request that was rejected. */
import { DAY, MAX_SLOT_DAYS, MINUTE, type ProblemCode, Refusal, type Slot, toMillis } from '@daybook/contracts';
import { type BookingRequest, readTaken } from '../booking/booking-request.ts';
import type { BookingFacts } from '../booking/rules.ts';
import type { BookingDependencies, RequestContext } from '../ports.ts';
import type { Interval } from './grid.ts';
import { nearestSlots } from './slots.ts';

const ALTERNATIVES = 5;
/** Days of the first search, and of the second when the first finds too few. Both fit one availability request. */
const SEARCH_DAYS = [6, MAX_SLOT_DAYS - 1];

/** The refusals that carry the nearest free slots. */
const WITH_ALTERNATIVES: readonly ProblemCode[] = [
  'slot-taken',
  'patient-busy',
  'hold-expired',
  'clinic-closed',
  'outside-availability',
  'too-soon',
];

/** Returns whether another time would help against a refusal. */
export const hasAlternatives = (code: ProblemCode): boolean => WITH_ALTERNATIVES.includes(code);

/** Returns the free slots nearest to the requested time that suit this patient; none when a service is unavailable. */
export async function findAlternatives(
  dependencies: BookingDependencies,
  request: BookingRequest,
  context: RequestContext,
): Promise<Slot[]> {
  try {
    return await searchAlternatives(dependencies, request, context);
  } catch (error) {
    // The refusal stays correct without alternatives.
    if (error instanceof Refusal && error.code === 'service-unavailable') return [];
    throw error;
  }
}

/** Returns whole days, so that all requests rejected on one day read the same range. */
function daysAround(requestedStart: number, now: number, days: number): Interval {
  const today = Math.floor(now / DAY);
  const first = Math.max(today, Math.floor(Math.max(requestedStart, now) / DAY) - Math.floor(days / 2));
  return { start: first * DAY, end: (first + days) * DAY };
}

/** Returns whether no slot outside of the range can be nearer than these. */
function areNearest(slots: readonly Slot[], request: BookingRequest, range: Interval, now: number): boolean {
  if (slots.length < ALTERNATIVES) return false;
  const before = range.start <= now ? Number.POSITIVE_INFINITY : request.start - range.start;
  const after = range.end - request.type.durationMinutes * MINUTE - request.start;
  const reach = Math.min(before, after);
  return slots.every(({ start }) => Math.abs(toMillis(start) - request.start) <= reach);
}

async function searchAlternatives(
  dependencies: BookingDependencies,
  request: BookingRequest,
  context: RequestContext,
): Promise<Slot[]> {
  const now = dependencies.clock().epochMilliseconds;
  let slots: Slot[] = [];
  for (const days of SEARCH_DAYS) {
    const range = daysAround(request.start, now, days);
    const facts = await readFacts(dependencies, request, range, context);
    slots = facts ? nearestSlots(request.start, facts, ALTERNATIVES) : [];
    if (areNearest(slots, request, range, now)) break;
  }
  return slots;
}

/** Returns all facts that the rules need about a range; undefined when the doctor does not exist. */
async function readFacts(
  { participants, seats, clock }: BookingDependencies,
  request: BookingRequest,
  range: Interval,
  context: RequestContext,
): Promise<BookingFacts | undefined> {
  const margin = { start: range.start - DAY, end: range.end + DAY };
  const [doctor, taken] = await Promise.all([
    participants.findDoctor(request.doctorId, range, context),
    // A hold keeps its time, so its own caller cannot book another start within it either.
    readTaken(seats, { ...request, holdId: undefined }, margin, context),
  ]);
  return doctor && { now: clock().epochMilliseconds, type: request.type, doctor, walkIn: request.walkIn, ...taken };
}
