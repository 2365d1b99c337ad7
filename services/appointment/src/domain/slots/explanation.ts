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
import { type BookingRequest, loadFacts, violationsOf } from '../booking/booking-request.ts';
import { permitWalkIn } from '../booking/permissions.ts';
import { detailOf, type TypeRules } from '../booking/rules.ts';
import type { BookingDependencies, RequestContext } from '../ports.ts';
import { toMillis } from '../time.ts';
import { findAlternatives, hasAlternatives } from './alternatives.ts';

/** Stands in for a type that is not there: what is refused even to it, every type refuses. */
const UNRESTRICTED_TYPE: Omit<TypeRules, 'id'> = {
  durationMinutes: GRID_MINUTES,
  bufferBeforeMinutes: 0,
  bufferAfterMinutes: 0,
  minimumNoticeMinutes: 0,
  planningHorizonDays: Number.POSITIVE_INFINITY,
  capacity: Number.POSITIVE_INFINITY,
  active: true,
};

/** @throws Refusal `forbidden`, `service-unavailable`; whatever a booking is refused for is a reason of the answer instead */
export async function explainStart(
  dependencies: BookingDependencies,
  { doctorId, patientId, appointmentTypeId, start, walkIn }: SlotExplanationQuery,
  context: RequestContext,
): Promise<SlotExplanation> {
  // When a patient is busy is for those who may book for the patient.
  permit(context.caller, patientId === undefined ? ROLES : STAFF);
  permitWalkIn(context.caller, walkIn);
  const type = await dependencies.types.find(context.caller, appointmentTypeId);
  const request: BookingRequest = {
    patientId,
    doctorId,
    type: type ?? { ...UNRESTRICTED_TYPE, id: appointmentTypeId },
    start: toMillis(start),
    walkIn,
  };
  const facts = await loadFacts(dependencies, request, context);
  const violations = violationsOf(request, facts, dependencies.clock().epochMilliseconds);
  if (!type) violations.unshift('appointment-type-not-found');
  const [first] = violations;
  return {
    bookable: first === undefined,
    reasons: violations.map((code) => ({ code, detail: detailOf(code) })),
    alternatives: first && hasAlternatives(first) ? await findAlternatives(dependencies, request, context) : [],
  };
}
