/** Searches free slots of one doctor, or of all doctors of a specialty. */
import {
  type AppointmentType,
  DAY,
  DEFAULT_LIMIT,
  MAX_SLOT_DAYS,
  Refusal,
  type Slot,
  type SlotQuery,
  toMillis,
} from '@daybook/contracts';
import { isHidden } from '../booking/booking-request.ts';
import { permitWalkIn } from '../booking/permissions.ts';
import {
  type BookingFacts,
  type DoctorFacts,
  doctorTimeAt,
  NOTHING_TAKEN,
  offersType,
  refusalFor,
  visitAt,
} from '../booking/rules.ts';
import type { BookingDependencies, RequestContext } from '../ports.ts';
import type { Interval } from './grid.ts';
import { firstSlots, type SlotPosition } from './slots.ts';

/** Days in the first part of a search. Each next part is several times longer, because most first slots are near. */
const FIRST_WINDOW_DAYS = 2;
const WINDOW_GROWTH = 3;

const invalidRequest = (pointer: string, message: string): Refusal =>
  new Refusal('invalid-request', 'The request does not match the API schema.', { errors: [{ pointer, message }] });

/**
 * Returns the range of a query, whose order the schema has checked.
 * @throws Refusal `range-too-long`
 */
export function rangeOf({ from, to }: { from: string; to: string }): Interval {
  const start = toMillis(from);
  const end = toMillis(to);
  if (end - start > MAX_SLOT_DAYS * DAY) {
    throw new Refusal('range-too-long', `The range is longer than ${MAX_SLOT_DAYS} days. Request a shorter one.`);
  }
  return { start, end };
}

/** The doctors whose slots are searched. */
export type DoctorSelection = { readonly doctorId: string } | { readonly specialty: string };

/** A search. A walk-in includes the current five minutes. */
type Search = DoctorSelection & { readonly walkIn?: boolean | undefined };

/** Yields the parts of a range, in time order and without gaps. One doctor's range is one part. */
export function* windowsOf(selection: DoctorSelection, { start, end }: Interval): Generator<Interval> {
  if ('doctorId' in selection) return yield { start, end };
  let days = FIRST_WINDOW_DAYS;
  let from = start;
  do {
    const to = Math.min(from + days * DAY, end);
    yield { start: from, end: to };
    from = to;
    days *= WINDOW_GROWTH;
  } while (from < end);
}

async function readDoctors(
  { participants }: BookingDependencies,
  selection: DoctorSelection,
  range: Interval,
  context: RequestContext,
) {
  if ('specialty' in selection) return participants.findDoctors(selection.specialty, range, context);
  const doctor = await participants.findDoctor(selection.doctorId, range, context);
  if (!doctor || isHidden(doctor, context.caller)) throw refusalFor('doctor-not-found');
  return [doctor];
}

/**
 * Returns all facts that the rules need about starts in a range.
 * @throws Refusal `doctor-not-found`
 */
export async function readFacts(
  dependencies: BookingDependencies,
  search: Search,
  type: AppointmentType,
  range: Interval,
  context: RequestContext,
): Promise<BookingFacts[]> {
  const found = await readDoctors(
    dependencies,
    search,
    { start: range.start, end: visitAt(range.end, type).end },
    context,
  );
  const doctors = found.filter((doctor) => offersType(doctor, type.id));
  // Covers what a start in the range may take. The longest visit alone is a day, and its buffer follows.
  const margin = { start: doctorTimeAt(range.start, type).start, end: doctorTimeAt(range.end, type).end };
  const taken = await dependencies.seats.taken(context.caller, {
    resourceIds: doctors.map(({ id }) => id),
    range: margin,
  });
  const now = dependencies.clock().epochMilliseconds;
  const factsOf = (doctor: DoctorFacts): BookingFacts => ({
    now,
    type,
    doctor,
    takenOfDoctor: taken.get(doctor.id) ?? NOTHING_TAKEN,
    takenOfPatient: NOTHING_TAKEN,
    walkIn: search.walkIn,
  });
  return doctors.map(factsOf);
}

/**
 * Returns the free slots after a position, in order: one more than `limit` when there are more.
 * @throws Refusal `doctor-not-found`, `appointment-type-not-found`, `invalid-request`, `range-too-long`; `forbidden`
 * for a walk-in
 */
export async function searchSlots(
  dependencies: BookingDependencies,
  query: Omit<SlotQuery, 'cursor'>,
  context: RequestContext,
  after?: SlotPosition,
): Promise<Slot[]> {
  const { doctorId, specialty, limit = DEFAULT_LIMIT, walkIn } = query;
  permitWalkIn(context.caller, walkIn);
  if ((doctorId === undefined) === (specialty === undefined)) {
    throw invalidRequest('/doctorId', 'name either a doctorId or a specialty');
  }
  const requested = rangeOf(query);
  const selection = doctorId === undefined ? { specialty: specialty ?? '' } : { doctorId };
  const type = await dependencies.types.findAny(context.caller, query.appointmentTypeId);
  if (!type) throw refusalFor('appointment-type-not-found');
  if (!type.active) return [];
  const range = { start: Math.max(requested.start, after?.start ?? requested.start), end: requested.end };
  const slots: Slot[] = [];
  for (const window of windowsOf(selection, range)) {
    const facts = await readFacts(dependencies, { ...selection, walkIn }, type, window, context);
    slots.push(...firstSlots(facts, window.end, limit + 1 - slots.length, after));
    if (slots.length > limit) break;
  }
  return slots;
}
