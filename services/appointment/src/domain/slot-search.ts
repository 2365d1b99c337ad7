/** The search for free slots: of one doctor, or of all doctors of a specialty. */
import {
  type AppointmentType,
  DEFAULT_LIMIT,
  MAX_SLOT_DAYS,
  Refusal,
  type Slot,
  type SlotQuery,
} from '@daybook/contracts';
import { type BookingFacts, doctorTimeAt, NOTHING_TAKEN, visitAt } from './booking-rules.ts';
import type { Interval } from './grid.ts';
import type { Asking, BookingParts } from './ports.ts';
import { firstSlots } from './slots.ts';
import { DAY, toMillis } from './time.ts';

/** Doctors that one search asks about at the same time: others must get their turn, too. */
const ASKED_AT_ONCE = 25;

const faulty = (pointer: string, message: string): Refusal =>
  new Refusal('invalid-request', 'The query is not as described.', { errors: [{ pointer, message }] });

/** @throws Refusal `invalid-request`, `range-too-long` */
function rangeOf(query: SlotQuery): Interval {
  const start = toMillis(query.from);
  const end = toMillis(query.to);
  if (end < start) throw faulty('/to', 'must not be before from');
  if (end - start > MAX_SLOT_DAYS * DAY) {
    throw new Refusal('range-too-long', `Search at most ${MAX_SLOT_DAYS} days at once.`);
  }
  return { start, end };
}

/** All that the rules need about the doctors that are there, a few of them at a time. */
async function readFacts(
  { directory, store, clock }: BookingParts,
  doctorIds: readonly string[],
  type: AppointmentType,
  range: Interval,
  asking: Asking,
): Promise<BookingFacts[]> {
  // What a start in the range may take: the longest visit alone is a day, its buffer comes after that.
  const margin = { start: doctorTimeAt(range.start, type).start, end: doctorTimeAt(range.end, type).end };
  const readOne = async (id: string): Promise<BookingFacts | undefined> => {
    const [doctor, takenOfDoctor] = await Promise.all([
      directory.doctor(id, { start: range.start, end: visitAt(range.end, type).end }, asking),
      store.takenSeats(asking.caller, { resourceId: id, range: margin }),
    ]);
    return doctor && { now: clock().epochMilliseconds, type, doctor, takenOfDoctor, takenOfPatient: NOTHING_TAKEN };
  };
  const known: BookingFacts[] = [];
  for (let first = 0; first < doctorIds.length; first += ASKED_AT_ONCE) {
    const facts = await Promise.all(doctorIds.slice(first, first + ASKED_AT_ONCE).map(readOne));
    known.push(...facts.filter((fact) => fact !== undefined));
  }
  return known;
}

/** @throws Refusal `doctor-not-found`, `appointment-type-not-found`, `invalid-request`, `range-too-long` */
export async function searchSlots(parts: BookingParts, query: SlotQuery, asking: Asking): Promise<Slot[]> {
  const { doctorId, specialty, limit = DEFAULT_LIMIT } = query;
  if ((doctorId === undefined) === (specialty === undefined)) {
    throw faulty('/doctorId', 'name either a doctorId or a specialty');
  }
  const range = rangeOf(query);
  const type = await parts.types.find(asking.caller, query.appointmentTypeId);
  if (!type) throw new Refusal('appointment-type-not-found', 'There is no such appointment type.');
  if (!type.active) return [];
  const doctorIds = doctorId === undefined ? await parts.directory.doctorsOf(specialty ?? '', asking) : [doctorId];
  const known = await readFacts(parts, doctorIds, type, range, asking);
  if (doctorId !== undefined && known.length === 0) throw new Refusal('doctor-not-found', 'There is no such doctor.');
  return firstSlots(known, range.end, limit);
}
