/** Turns a booking request into a reservation: load facts, apply rules, let the database resolve conflicts. */
import { type AppointmentType, type Overbooking, Refusal, type VerifiedCaller } from '@daybook/contracts';
import type { AppointmentTypes, BookingDependencies, Placement, RequestContext } from '../ports.ts';
import { findAlternatives, hasAlternatives } from '../slots/alternatives.ts';
import {
  type LoadedFacts,
  loadFacts,
  type TypedBookingRequest,
  type UntypedBookingRequest,
  violationsOf,
} from './booking-request.ts';
import { permitOverbooking, permitWalkIn } from './permissions.ts';
import { doctorTimeAt, refusalFor, visitAt, walkInStart, zoneOf } from './rules.ts';
import { type AnnouncedVersions, retryOnStaleFacts, versionOf } from './stale-facts.ts';

/** Attempts of one overbooking at most. Each may repeat on stale facts as often as `retryOnStaleFacts` permits. */
const MAX_OVERBOOKING_ATTEMPTS = 3;

/**
 * Returns an appointment type.
 * @throws Refusal `appointment-type-not-found`
 */
export async function findType(types: AppointmentTypes, caller: VerifiedCaller, id: string): Promise<AppointmentType> {
  const type = await types.findAny(caller, id);
  if (!type) throw refusalFor('appointment-type-not-found');
  return type;
}

/**
 * Applies every rule. The reservation key applies those about taken time again, because time may be taken meanwhile.
 */
function validatePlacement(
  request: TypedBookingRequest,
  facts: LoadedFacts,
  now: number,
  {
    announcedVersions,
    overbooking,
    caller,
  }: { announcedVersions: AnnouncedVersions; overbooking: Overbooking | undefined; caller: VerifiedCaller },
): Placement {
  const violations = violationsOf(request, facts, now, caller);
  const overbooks = overbooking !== undefined && violations.includes('slot-taken');
  const [violation] = violations.filter((code) => !(overbooks && code === 'slot-taken'));
  const { doctor, patient } = facts;
  if (violation) throw refusalFor(violation);
  if (!doctor) throw refusalFor('doctor-not-found');
  const { type, start, doctorId, patientId, holdId, walkIn } = request;
  const visit = visitAt(start, type);
  return {
    doctorId,
    timeZone: zoneOf(visit, doctor),
    visit,
    doctorTime: doctorTimeAt(start, type),
    type,
    verified: [
      versionOf(doctorId, doctor, announcedVersions),
      ...(patientId !== undefined && patient ? [versionOf(patientId, patient, announcedVersions)] : []),
    ],
    holdId,
    ...(start === walkInStart({ now, walkIn }) && { walkIn }),
    ...(overbooks && { overbooking }),
  };
}

/**
 * Checks, before time is reserved, that the caller still waits. Otherwise a retry would reserve a second time.
 * @throws Refusal `deadline-exceeded`, which no client receives
 */
export function assertCallerWaiting({ isCallerWaiting }: RequestContext): void {
  if (isCallerWaiting?.() === false)
    throw new Refusal('deadline-exceeded', 'The caller no longer waits for the response.');
}

/** Retries an overbooking that lost a race. The next attempt reads the visits that it overlaps. */
async function retryOverbooking<Result>(
  overbooking: Overbooking | undefined,
  attempt: () => Promise<Result>,
): Promise<Result> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await attempt();
    } catch (error) {
      const lostRace = error instanceof Refusal && error.code === 'slot-taken';
      if (!overbooking || !lostRace || attempts === MAX_OVERBOOKING_ATTEMPTS) throw error;
    }
  }
}

/**
 * Reserves the time of a request and calls `write` to store it. From the outside to the inside:
 * 1. `permitOverbooking` and `permitWalkIn` check the caller.
 * 2. `withAlternatives` adds free slots to a refusal when other times would help.
 * 3. `retryOverbooking` repeats an overbooking that lost a race.
 * 4. `retryOnStaleFacts` repeats an attempt whose facts changed before it was stored.
 * 5. `attempt` reads the type, loads the facts, applies the rules and stores the placement.
 *    It reads the type each time, because the type may have changed.
 * @throws Refusal each of `BOOKING_REFUSALS`; `forbidden` for an overbooking or a walk-in; those of `write`
 */
export async function reserveSlot<Result>(
  dependencies: BookingDependencies,
  { appointmentTypeId, ...untyped }: UntypedBookingRequest,
  context: RequestContext,
  overbooking: Overbooking | undefined,
  write: (placement: Placement) => Promise<Result>,
): Promise<Result> {
  permitOverbooking(context.caller, overbooking);
  permitWalkIn(context.caller, untyped.walkIn);
  let lastRequest: TypedBookingRequest | undefined;
  const attempt = async (announcedVersions: AnnouncedVersions) => {
    const request = { ...untyped, type: await findType(dependencies.types, context.caller, appointmentTypeId) };
    lastRequest = request;
    const facts = await loadFacts(dependencies, request, context);
    const placement = validatePlacement(request, facts, dependencies.clock().epochMilliseconds, {
      announcedVersions,
      overbooking,
      caller: context.caller,
    });
    assertCallerWaiting(context);
    return write(placement);
  };
  const attemptOnFreshFacts = () => retryOnStaleFacts(attempt);
  const attemptDespiteRaces = () => retryOverbooking(overbooking, attemptOnFreshFacts);
  return withAlternatives(dependencies, () => lastRequest, context, attemptDespiteRaces);
}

/**
 * Adds the nearest free slots to a refusal when other times would help.
 * `latestRequest` returns the request of the last attempt, or undefined when there was none yet.
 */
export async function withAlternatives<Result>(
  dependencies: BookingDependencies,
  latestRequest: () => TypedBookingRequest | undefined,
  context: RequestContext,
  attempt: () => Promise<Result>,
): Promise<Result> {
  try {
    return await attempt();
  } catch (error) {
    const request = latestRequest();
    if (!(error instanceof Refusal) || !hasAlternatives(error.code) || !request) throw error;
    const alternatives = await findAlternatives(dependencies, request, context);
    throw new Refusal(error.code, error.message, { ...error.extras, alternatives });
  }
}
