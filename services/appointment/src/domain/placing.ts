/** From a wish to a place in the calendar: ask who must be asked, apply the rules, let the database decide. */
import { type AppointmentType, type Caller, type Overbooking, Refusal } from '@daybook/contracts';
import { findAlternatives, hasAlternatives } from './alternatives.ts';
import { detailOf, doctorTimeAt, visitAt, walkInStart, zoneOf } from './booking-rules.ts';
import { permitOverbooking, permitWalkIn } from './permissions.ts';
import {
  type AppointmentTypes,
  type Asking,
  type BookingParts,
  type PersonVersion,
  type Placement,
  StaleFacts,
} from './ports.ts';
import { type Found, lookUp, obstaclesOf, type TypedWish, type UntypedWish } from './wish.ts';

/** How often rules are applied again at most, because of what changed since. */
const MAX_LOOKS = 3;

/** @throws Refusal `appointment-type-not-found` */
export async function findType(types: AppointmentTypes, caller: Caller, id: string): Promise<AppointmentType> {
  const type = await types.find(caller, id);
  if (!type) throw new Refusal('appointment-type-not-found', 'There is no such appointment type.');
  return type;
}

/** Applies every rule. The reservation key applies those of taken time once more, for what happens meanwhile. */
function place(
  wish: TypedWish,
  found: Found,
  now: number,
  { told, overbooking }: { told: ToldMeanwhile; overbooking: Overbooking | undefined },
): Placement {
  const obstacles = obstaclesOf(wish, found, now);
  const beside = overbooking !== undefined && obstacles.includes('slot-taken');
  const [obstacle] = obstacles.filter((code) => !(beside && code === 'slot-taken'));
  const { doctor, patient } = found;
  if (obstacle) throw new Refusal(obstacle, detailOf(obstacle));
  if (!doctor) throw new Refusal('doctor-not-found', detailOf('doctor-not-found'));
  const { type, start, doctorId, patientId, holdId, walkIn } = wish;
  const visit = visitAt(start, type);
  return {
    doctorId,
    timeZone: zoneOf(visit, doctor),
    visit,
    doctorTime: doctorTimeAt(start, type),
    type,
    verified: [
      versionOf(doctorId, doctor, told),
      ...(patientId !== undefined && patient ? [versionOf(patientId, patient, told)] : []),
    ],
    holdId,
    ...(start === walkInStart({ now, walkIn }) && { walkIn }),
    ...(beside && { overbooking }),
  };
}

/** What events told of while a request looked, by person. Who asks after that is answered with at least it. */
export type ToldMeanwhile = ReadonlyMap<string, number>;

/** A person as known to a request: as the facts say, or newer, where they were asked for after an event had told of it. */
export const versionOf = (
  id: string,
  { version }: { readonly version: number },
  told: ToldMeanwhile,
): PersonVersion => ({
  id,
  version: Math.max(version, told.get(id) ?? 0),
});

/** Looks and takes, again where what was seen had changed before it was taken. */
export async function withFreshFacts<Result>(lookAndTake: (told: ToldMeanwhile) => Promise<Result>): Promise<Result> {
  const told = new Map<string, number>();
  for (let looks = 1; ; looks += 1) {
    try {
      return await lookAndTake(told);
    } catch (error) {
      if (!(error instanceof StaleFacts)) throw error;
      told.set(error.newer.id, error.newer.version);
      if (looks < MAX_LOOKS) continue;
      const detail = 'Patient, doctor or appointment type are being changed just now.';
      throw new Refusal('part-unavailable', detail, { retryAfterSeconds: 1 });
    }
  }
}

/**
 * Before anything is taken: where nobody waits for the answer any more, whoever asks again would have two.
 * @throws Refusal `deadline-exceeded`, which nobody reads
 */
export function checkAwaited({ isAwaited }: Asking): void {
  if (isAwaited?.() === false) throw new Refusal('deadline-exceeded', 'Nobody waits for the answer any more.');
}

/** Who means to overbook is not refused because somebody was quicker: the next look sees whom it is beside. */
async function againWhereOverbooked<Result>(
  overbooking: Overbooking | undefined,
  attempt: () => Promise<Result>,
): Promise<Result> {
  for (let looks = 1; ; looks += 1) {
    try {
      return await attempt();
    } catch (error) {
      const wasQuicker = error instanceof Refusal && error.code === 'slot-taken';
      if (!overbooking || !wasQuicker || looks === MAX_LOOKS) throw error;
    }
  }
}

/**
 * Applies the rules to a wish and lets `take` write. A refusal that other times would help against gets them. The appointment
 * type is read again with each look, since it may be what has changed.
 * @throws Refusal every one that `api.md` names for a booking; `forbidden` for an overbooking or a walk-in
 */
export async function takePlace<Result>(
  parts: BookingParts,
  { appointmentTypeId, ...untyped }: UntypedWish,
  asking: Asking,
  overbooking: Overbooking | undefined,
  take: (placement: Placement) => Promise<Result>,
): Promise<Result> {
  permitOverbooking(asking.caller, overbooking);
  permitWalkIn(asking.caller, untyped.walkIn);
  let looked: TypedWish | undefined;
  const lookAndTake = async (told: ToldMeanwhile) => {
    const wish = { ...untyped, type: await findType(parts.types, asking.caller, appointmentTypeId) };
    looked = wish;
    const found = await lookUp(parts, wish, asking);
    const placement = place(wish, found, parts.clock().epochMilliseconds, { told, overbooking });
    checkAwaited(asking);
    return take(placement);
  };
  return withAlternatives(
    parts,
    () => looked,
    asking,
    () => againWhereOverbooked(overbooking, () => withFreshFacts(lookAndTake)),
  );
}

/**
 * Adds the nearest free slots to a refusal that other times would help against. `wanted` returns the wish as it was last
 * tried; undefined where there was none yet.
 */
export async function withAlternatives<Result>(
  parts: BookingParts,
  wanted: () => TypedWish | undefined,
  asking: Asking,
  attempt: () => Promise<Result>,
): Promise<Result> {
  try {
    return await attempt();
  } catch (error) {
    const wish = wanted();
    if (!(error instanceof Refusal) || !hasAlternatives(error.code) || !wish) throw error;
    const alternatives = await findAlternatives(parts, wish, asking);
    throw new Refusal(error.code, error.message, { ...error.extras, alternatives });
  }
}
