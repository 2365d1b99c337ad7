/** The search for free slots: of one doctor, or of all doctors of a specialty. */
import { type Caller, DEFAULT_LIMIT, MAX_SLOT_DAYS, Refusal, type Slot, type SlotQuery } from '@daybook/contracts';
import type { BookingParts } from './booking.ts';
import { type BookingFacts, doctorTimeAt, visitAt } from './booking-rules.ts';
import type { Interval } from './grid.ts';
import type { Asking } from './ports.ts';
import { firstSlots } from './slots.ts';

const DAY = 86_400_000;
const NOBODY: ReadonlyMap<number, number> = new Map();

const faulty = (pointer: string, message: string): Refusal =>
  new Refusal('invalid-request', 'The query is not as described.', { errors: [{ pointer, message }] });

/** @throws Refusal `invalid-request`, `range-too-long` */
function rangeOf(query: SlotQuery): Interval {
  const start = Temporal.Instant.from(query.from).epochMilliseconds;
  const end = Temporal.Instant.from(query.to).epochMilliseconds;
  if (end < start) throw faulty('/to', 'must not be before from');
  if (end - start > MAX_SLOT_DAYS * DAY) {
    throw new Refusal('range-too-long', `Search at most ${MAX_SLOT_DAYS} days at once.`);
  }
  return { start, end };
}

/** @throws Refusal `doctor-not-found`, `appointment-type-not-found`, `invalid-request`, `range-too-long` */
export async function searchSlots(
  { directory, store, clock }: BookingParts,
  caller: Caller,
  query: SlotQuery,
  asking: Asking,
): Promise<Slot[]> {
  const { doctorId, specialty, limit = DEFAULT_LIMIT } = query;
  if ((doctorId === undefined) === (specialty === undefined)) {
    throw faulty('/doctorId', 'name either a doctorId or a specialty');
  }
  const range = rangeOf(query);
  const type = await store.findType(caller, query.appointmentTypeId);
  if (!type) throw new Refusal('appointment-type-not-found', 'There is no such appointment type.');
  if (!type.active) return [];
  const doctorIds = doctorId === undefined ? await directory.doctorsOf(specialty ?? '', asking) : [doctorId];
  // What a start in the range may take: the longest visit alone is a day, its buffer comes after that.
  const margin = { start: doctorTimeAt(range.start, type).start, end: doctorTimeAt(range.end, type).end };
  const facts = await Promise.all(
    doctorIds.map(async (id): Promise<BookingFacts | undefined> => {
      const [doctor, takenOfDoctor] = await Promise.all([
        directory.doctor(id, { start: range.start, end: visitAt(range.end, type).end }, asking),
        store.takenSeats(caller, { resourceId: id, range: margin }),
      ]);
      return doctor && { now: clock().epochMilliseconds, type, doctor, takenOfDoctor, takenOfPatient: NOBODY };
    }),
  );
  const known = facts.filter((fact) => fact !== undefined);
  if (doctorId !== undefined && known.length === 0) throw new Refusal('doctor-not-found', 'There is no such doctor.');
  return firstSlots(known, range.end, limit);
}
