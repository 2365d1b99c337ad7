/** From a wish to a place in the calendar: ask who must be asked, apply the rules, let the database decide. */
import { type AppointmentType, type Caller, type Overbooking, permit, Refusal, type Role } from '@daybook/contracts';
import { findAlternatives, hasAlternatives } from './alternatives.ts';
import { detailOf, doctorTimeAt, visitAt } from './booking-rules.ts';
import { type AppointmentTypes, type Asking, type BookingParts, type Placement, StaleFacts } from './ports.ts';
import { type Found, lookUp, obstaclesOf, type Wish } from './wish.ts';

/** Who may book beside what a doctor has then already. */
const MAY_OVERBOOK: readonly Role[] = ['doctor', 'front-desk', 'administrator'];

/** How often rules are applied again at most, because of what changed since. */
const MAX_LOOKS = 3;

/** @throws Refusal `appointment-type-not-found` */
export async function findType(types: AppointmentTypes, caller: Caller, id: string): Promise<AppointmentType> {
  const type = await types.find(caller, id);
  if (!type) throw new Refusal('appointment-type-not-found', 'There is no such appointment type.');
  return type;
}

/** Applies every rule. The reservation key applies those of taken time once more, for what happens meanwhile. */
function place(wish: Wish, found: Found, now: number, overbooking: Overbooking | undefined): Placement {
  const obstacles = obstaclesOf(wish, found, now);
  const beside = overbooking !== undefined && obstacles.includes('slot-taken');
  const [obstacle] = obstacles.filter((code) => !(beside && code === 'slot-taken'));
  const { doctor, patient } = found;
  if (obstacle) throw new Refusal(obstacle, detailOf(obstacle));
  if (!doctor) throw new Refusal('doctor-not-found', detailOf('doctor-not-found'));
  const { type, start, doctorId, patientId, holdId } = wish;
  return {
    doctorId,
    timeZone: doctor.timeZone,
    visit: visitAt(start, type),
    doctorTime: doctorTimeAt(start, type),
    capacity: type.capacity,
    verified: [
      { id: doctorId, version: doctor.version },
      ...(patientId !== undefined && patient ? [{ id: patientId, version: patient.version }] : []),
    ],
    holdId,
    ...(beside && { overbooking }),
  };
}

/** Looks and takes, again where what was seen had changed before it was taken. */
export async function withFreshFacts<Result>(lookAndTake: () => Promise<Result>): Promise<Result> {
  for (let looks = 1; ; looks += 1) {
    try {
      return await lookAndTake();
    } catch (error) {
      if (!(error instanceof StaleFacts)) throw error;
      if (looks < MAX_LOOKS) continue;
      const detail = 'Patient or doctor are being changed just now.';
      throw new Refusal('part-unavailable', detail, { retryAfterSeconds: 1 });
    }
  }
}

/**
 * Applies the rules to a wish and lets `take` write. A refusal that other times would help against gets them.
 * @throws Refusal every one that `api.md` names for a booking; `forbidden` for an overbooking
 */
export async function takePlace<Result>(
  parts: BookingParts,
  wish: Wish,
  asking: Asking,
  overbooking: Overbooking | undefined,
  take: (placement: Placement) => Promise<Result>,
): Promise<Result> {
  if (overbooking) permit(asking.caller, MAY_OVERBOOK);
  try {
    return await withFreshFacts(async () => {
      const found = await lookUp(parts, wish, asking);
      return take(place(wish, found, parts.clock().epochMilliseconds, overbooking));
    });
  } catch (error) {
    if (!(error instanceof Refusal) || !hasAlternatives(error.code)) throw error;
    const alternatives = await findAlternatives(parts, wish, asking);
    throw new Refusal(error.code, error.message, { ...error.extras, alternatives });
  }
}
