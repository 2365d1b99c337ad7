/**
 * Explains whether a start can be booked, and otherwise every rule that it breaks.
 * It loads the same facts as a booking and applies the same rules, in the order of a booking's refusals.
 * It writes nothing.
 */
import {
  GRID_MINUTES,
  type ProblemCode,
  permit,
  type SlotExplanation,
  type SlotExplanationQuery,
  toMillis,
} from '@daybook/contracts';
import { type BookingRequest, loadFacts, violationsOf } from '../booking/booking-request.ts';
import { permitWalkIn } from '../booking/permissions.ts';
import { detailOf, type TypeRules } from '../booking/rules.ts';
import { actsFor, PEOPLE, usesCalendarOf } from '../ownership.ts';
import type { BookingDependencies, RequestContext } from '../ports.ts';
import { findAlternatives, hasAlternatives } from './alternatives.ts';

/** Replaces a type that does not exist. Each rule that this type breaks, every type would break. */
const UNRESTRICTED_TYPE: Omit<TypeRules, 'id'> = {
  durationMinutes: GRID_MINUTES,
  bufferBeforeMinutes: 0,
  bufferAfterMinutes: 0,
  minimumNoticeMinutes: 0,
  planningHorizonDays: Number.POSITIVE_INFINITY,
  capacity: Number.POSITIVE_INFINITY,
  active: true,
};

/**
 * Returns the code of a participant that the caller may not ask about; undefined when both are permitted.
 * Every other patient or doctor is refused the same way, whether it exists or not.
 */
async function foreignParticipant(
  { store }: BookingDependencies,
  { doctorId, patientId }: Pick<BookingRequest, 'doctorId' | 'patientId'>,
  { caller }: RequestContext,
): Promise<ProblemCode | undefined> {
  if (!usesCalendarOf(caller, doctorId)) return 'doctor-not-found';
  if (patientId === undefined) return undefined;
  if (!actsFor(caller, patientId)) return 'patient-not-found';
  return caller.role === 'doctor' && !(await store.treats(caller, patientId)) ? 'patient-not-found' : undefined;
}

/**
 * Explains a start. Refusals of a booking become reasons in the response.
 * @throws Refusal `forbidden`, `service-unavailable`
 */
export async function explainStart(
  dependencies: BookingDependencies,
  { doctorId, patientId, appointmentTypeId, start, walkIn }: SlotExplanationQuery,
  context: RequestContext,
): Promise<SlotExplanation> {
  permit(context.caller, PEOPLE);
  permitWalkIn(context.caller, walkIn);
  // Only callers that may book for the patient may read when the patient is busy.
  const foreign = await foreignParticipant(dependencies, { doctorId, patientId }, context);
  if (foreign) return { bookable: false, reasons: [{ code: foreign, detail: detailOf(foreign) }], alternatives: [] };
  const type = await dependencies.types.findAny(context.caller, appointmentTypeId);
  const request: BookingRequest = {
    patientId,
    doctorId,
    type: type ?? { ...UNRESTRICTED_TYPE, id: appointmentTypeId },
    start: toMillis(start),
    walkIn,
  };
  const facts = await loadFacts(dependencies, request, context);
  const violations = violationsOf(request, facts, dependencies.clock().epochMilliseconds, context.caller);
  if (!type) violations.unshift('appointment-type-not-found');
  const [first] = violations;
  return {
    bookable: first === undefined,
    reasons: violations.map((code) => ({ code, detail: detailOf(code) })),
    alternatives: first && hasAlternatives(first) ? await findAlternatives(dependencies, request, context) : [],
  };
}
