/**
 * Explains a start: whether it can be booked, and if not, every rule that stands in the way. It asks those whom a booking
 * asks and applies the same rules, in the order in which a booking is refused. It writes nothing.
 */
import {
  GRID_MINUTES,
  permit,
  ROLES,
  type SlotExplanation,
  type SlotExplanationQuery,
  STAFF,
} from '@daybook/contracts';
import { findAlternatives, hasAlternatives } from './alternatives.ts';
import { detailOf, type TypeRules } from './booking-rules.ts';
import { permitWalkIn } from './permissions.ts';
import type { Asking, BookingParts } from './ports.ts';
import { toMillis } from './time.ts';
import { lookUp, obstaclesOf, type Wish } from './wish.ts';

/** Stands in for a type that is not there: what is refused even to it, every type refuses. */
const UNDEMANDING_TYPE: Omit<TypeRules, 'id'> = {
  durationMinutes: GRID_MINUTES,
  bufferBeforeMinutes: 0,
  bufferAfterMinutes: 0,
  minimumNoticeMinutes: 0,
  planningHorizonDays: Number.POSITIVE_INFINITY,
  capacity: Number.POSITIVE_INFINITY,
  active: true,
};

/** @throws Refusal `forbidden`, `part-unavailable`; whatever a booking is refused for is a reason of the answer instead */
export async function explainStart(
  parts: BookingParts,
  { doctorId, patientId, appointmentTypeId, start, walkIn }: SlotExplanationQuery,
  asking: Asking,
): Promise<SlotExplanation> {
  // When a patient is busy is for those who may book for the patient.
  permit(asking.caller, patientId === undefined ? ROLES : STAFF);
  permitWalkIn(asking.caller, walkIn);
  const type = await parts.types.find(asking.caller, appointmentTypeId);
  const wish: Wish = {
    patientId,
    doctorId,
    type: type ?? { ...UNDEMANDING_TYPE, id: appointmentTypeId },
    start: toMillis(start),
    walkIn,
  };
  const found = await lookUp(parts, wish, asking);
  const obstacles = obstaclesOf(wish, found, parts.clock().epochMilliseconds);
  if (!type) obstacles.unshift('appointment-type-not-found');
  const [first] = obstacles;
  return {
    bookable: first === undefined,
    reasons: obstacles.map((code) => ({ code, detail: detailOf(code) })),
    alternatives: first && hasAlternatives(first) ? await findAlternatives(parts, wish, asking) : [],
  };
}
