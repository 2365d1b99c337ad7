/** Turns a booking request into a reservation: load facts, apply rules, let the database resolve conflicts. */
import { type AppointmentType, type Overbooking, Refusal, type VerifiedCaller } from '@daybook/contracts';
import {
  type AppointmentTypes,
  type BookingDependencies,
  type ParticipantVersion,
  type Placement,
  type RequestContext,
  StaleFacts,
} from '../ports.ts';
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

/** Attempts at most, each of which applies the rules again to changed facts. */
const MAX_ATTEMPTS = 3;

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

/** The versions that events announced during a request, by participant id. Later reads are at least as new. */
export type AnnouncedVersions = ReadonlyMap<string, number>;

/**
 * Returns the version of a participant: from the facts, or newer when an event announced that before they were read.
 */
export const versionOf = (
  id: string,
  { version }: { readonly version: number },
  announcedVersions: AnnouncedVersions,
): ParticipantVersion => ({
  id,
  version: Math.max(version, announcedVersions.get(id) ?? 0),
});

/**
 * Repeats an attempt whose facts changed before it was stored.
 * @throws Refusal `service-unavailable` after MAX_ATTEMPTS
 */
export async function retryOnStaleFacts<Result>(
  attempt: (announcedVersions: AnnouncedVersions) => Promise<Result>,
): Promise<Result> {
  const announcedVersions = new Map<string, number>();
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await attempt(announcedVersions);
    } catch (error) {
      if (!(error instanceof StaleFacts)) throw error;
      announcedVersions.set(error.newer.id, error.newer.version);
      if (attempts < MAX_ATTEMPTS) continue;
      const detail = 'Patient, doctor or appointment type changed during each attempt. Retry in a moment.';
      throw new Refusal('service-unavailable', detail, { retryAfterSeconds: 1 });
    }
  }
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
      if (!overbooking || !lostRace || attempts === MAX_ATTEMPTS) throw error;
    }
  }
}

/**
 * Applies the rules to a request and calls `write` to store it.
 * Adds alternatives to a refusal when other times would help.
 * Each attempt reads the appointment type again, because the type may have changed.
 * @throws Refusal each one that `api.md` names for a booking; `forbidden` for an overbooking or a walk-in
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
  return withAlternatives(
    dependencies,
    () => lastRequest,
    context,
    () => retryOverbooking(overbooking, () => retryOnStaleFacts(attempt)),
  );
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
