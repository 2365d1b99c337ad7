/** Takes back the last step of a visit. A visit in the future also gets back its time and its flag. */
import {
  type Appointment,
  type AppointmentType,
  CLINIC_STAFF,
  notFound,
  permit,
  type StepBack,
  toMillis,
  type VerifiedCaller,
} from '@daybook/contracts';
import {
  type BookingDependencies,
  type RequestContext,
  requestContextOf,
  type StepBackDecision,
  type WriteContext,
} from '../ports.ts';
import type { Interval } from '../slots/grid.ts';
import type { TypedBookingRequest } from './booking-request.ts';
import { checkCanStepBack, statusBeforeLastStep, UPCOMING_STATUSES } from './lifecycle.ts';
import { assertCallerWaiting, findType, withAlternatives } from './reserve-slot.ts';
import { allReschedulingReasons } from './revalidation.ts';
import { refusalFor, withBuffers } from './rules.ts';
import { type AnnouncedVersions, retryOnStaleFacts, versionOf } from './stale-facts.ts';

const intervalOf = ({ start, end }: Appointment): Interval => ({ start: toMillis(start), end: toMillis(end) });

/**
 * Returns the placement of a visit that returns to the future, from the present patient and doctor.
 * Its time is as booked, with the present buffers of its type.
 */
async function restoredPlacement(
  { participants }: BookingDependencies,
  appointment: Appointment,
  type: AppointmentType,
  context: RequestContext,
  announcedVersions: AnnouncedVersions,
): Promise<NonNullable<StepBackDecision['restored']>> {
  const { patientId, doctorId, timeZone } = appointment;
  const visit = intervalOf(appointment);
  const [patient, doctor] = await Promise.all([
    participants.findPatient(patientId, context),
    participants.findDoctor(doctorId, visit, context),
  ]);
  if (!patient) throw refusalFor('patient-not-found');
  if (!doctor) throw refusalFor('doctor-not-found');
  const verified = [
    versionOf(doctorId, doctor, announcedVersions),
    versionOf(patientId, patient, announcedVersions),
  ] as const;
  return {
    placement: { doctorId, timeZone, visit, doctorTime: withBuffers(visit, type), type, verified },
    reschedulingReasons: allReschedulingReasons(appointment, { patient, doctor, type }),
  };
}

/**
 * Takes back the last step.
 * A cancellation reserves its time again, or is rejected with the nearest free slots.
 * @throws Refusal `forbidden`, `not-found`, `wrong-status`, `not-the-day`, `changed-meanwhile`, `slot-taken`,
 * `patient-busy`
 */
export async function stepBack(
  dependencies: BookingDependencies,
  caller: VerifiedCaller,
  id: string,
  { reason }: StepBack,
  write: WriteContext<Appointment>,
): Promise<Appointment> {
  permit(caller, CLINIC_STAFF);
  const { store, history, types, clock } = dependencies;
  const appointment = await store.find(caller, id);
  if (!appointment) throw notFound('appointment');
  checkCanStepBack(appointment, clock());
  const to = await statusBeforeLastStep(history.actions(caller, id));
  const decision: StepBackDecision = { version: appointment.version, to, reason };
  if (!UPCOMING_STATUSES.includes(to)) return store.stepBack(caller, id, decision, write);
  const context = requestContextOf(caller, write);
  const { patientId, doctorId } = appointment;
  let request: TypedBookingRequest | undefined;
  return withAlternatives(
    dependencies,
    () => request,
    context,
    () =>
      retryOnStaleFacts(async (announcedVersions) => {
        const type = await findType(types, caller, appointment.appointmentTypeId);
        request = { patientId, doctorId, type, start: toMillis(appointment.start), reschedulingId: id };
        const restored = await restoredPlacement(dependencies, appointment, type, context, announcedVersions);
        assertCallerWaiting(context);
        return store.stepBack(caller, id, { ...decision, restored }, write);
      }),
  );
}
