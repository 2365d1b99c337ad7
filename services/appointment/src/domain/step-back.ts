/** Takes back the last step of a visit: the status before it, and where the visit is to come again, its time and its flag. */
import {
  type Appointment,
  type AppointmentType,
  type Caller,
  CLINIC_STAFF,
  permit,
  Refusal,
  type StepBack,
} from '@daybook/contracts';
import type { WriteContext } from '@daybook/database';
import { detailOf, type TypeRules } from './booking-rules.ts';
import type { Interval } from './grid.ts';
import { checkReturnable, statusBeforeLastStep, TO_COME } from './lifecycle.ts';
import { checkAwaited, findType, type ToldMeanwhile, versionOf, withAlternatives, withFreshFacts } from './placing.ts';
import { type Asking, askingOf, type BookingParts, type Return } from './ports.ts';
import { reasonsOfAll } from './rechecking.ts';
import { MINUTE, toMillis } from './time.ts';
import type { TypedWish } from './wish.ts';

const intervalOf = ({ start, end }: Appointment): Interval => ({ start: toMillis(start), end: toMillis(end) });

/** The visit as it was booked, with the buffers of its type as they are now. */
function timeOf(
  appointment: Appointment,
  type: TypeRules,
): { readonly visit: Interval; readonly doctorTime: Interval } {
  const visit = intervalOf(appointment);
  const doctorTime = {
    start: visit.start - type.bufferBeforeMinutes * MINUTE,
    end: visit.end + type.bufferAfterMinutes * MINUTE,
  };
  return { visit, doctorTime };
}

/** What a visit that is to come again is stored with, as patient and doctor are now. */
async function placeAgain(
  { directory }: BookingParts,
  appointment: Appointment,
  type: AppointmentType,
  asking: Asking,
  told: ToldMeanwhile,
): Promise<NonNullable<Return['again']>> {
  const { patientId, doctorId, timeZone } = appointment;
  const [patient, doctor] = await Promise.all([
    directory.patient(patientId, asking),
    directory.doctor(doctorId, intervalOf(appointment), asking),
  ]);
  if (!patient) throw new Refusal('patient-not-found', detailOf('patient-not-found'));
  if (!doctor) throw new Refusal('doctor-not-found', detailOf('doctor-not-found'));
  const verified = [versionOf(doctorId, doctor, told), versionOf(patientId, patient, told)] as const;
  return {
    placement: { doctorId, timeZone, ...timeOf(appointment, type), type, verified },
    reschedulingReasons: reasonsOfAll(appointment, { patient, doctor, type }),
  };
}

/**
 * Takes back the last step. A cancellation takes its time again, or is refused with the nearest free slots.
 * @throws Refusal `forbidden`, `not-found`, `wrong-status`, `not-the-day`, `changed-meanwhile`, `slot-taken`, `patient-busy`
 */
export async function stepBack(
  parts: BookingParts,
  caller: Caller,
  id: string,
  { reason }: StepBack,
  write: WriteContext<Appointment>,
): Promise<Appointment> {
  permit(caller, CLINIC_STAFF);
  const { store, types, clock } = parts;
  const appointment = await store.find(caller, id);
  if (!appointment) throw new Refusal('not-found', 'There is no such appointment.');
  checkReturnable(appointment, clock());
  const to = await statusBeforeLastStep(store.actions(caller, id));
  const back: Return = { version: appointment.version, to, reason };
  if (!TO_COME.includes(to)) return store.stepBack(caller, id, back, write);
  const asking = askingOf(caller, write);
  const { patientId, doctorId } = appointment;
  let wish: TypedWish | undefined;
  return withAlternatives(
    parts,
    () => wish,
    asking,
    () =>
      withFreshFacts(async (told) => {
        const type = await findType(types, caller, appointment.appointmentTypeId);
        wish = { patientId, doctorId, type, start: toMillis(appointment.start), moving: id };
        const again = await placeAgain(parts, appointment, type, asking, told);
        checkAwaited(asking);
        return store.stepBack(caller, id, { ...back, again }, write);
      }),
  );
}
