/** The steps of an appointment, and from which status each may be taken (FHIR's AppointmentStatus). */
import { type Appointment, type AppointmentStatus, type Caller, Refusal } from '@daybook/contracts';
import { MINUTE } from './grid.ts';

export const STEPS = {
  arrive: { from: ['booked'], to: 'arrived' },
  'check-in': { from: ['booked', 'arrived'], to: 'checked-in' },
  fulfil: { from: ['arrived', 'checked-in'], to: 'fulfilled' },
  'no-show': { from: ['booked'], to: 'noshow' },
} as const satisfies Record<string, { from: readonly AppointmentStatus[]; to: AppointmentStatus }>;

export type Step = keyof typeof STEPS;

/** An appointment that is still to come can be moved and cancelled. */
const TO_COME: readonly AppointmentStatus[] = ['proposed', 'pending', 'booked', 'waitlist'];

function demand(status: AppointmentStatus, allowed: readonly AppointmentStatus[]): void {
  if (!allowed.includes(status)) {
    throw new Refusal('wrong-status', `It is ${status}; this needs ${allowed.join(' or ')}.`);
  }
}

/** @throws Refusal `wrong-status` */
export function statusAfter(step: Step, { status }: Appointment): (typeof STEPS)[Step]['to'] {
  const { from, to } = STEPS[step];
  demand(status, from);
  return to;
}

/** @throws Refusal `wrong-status` */
export const checkMovable = ({ status }: Appointment): void => demand(status, TO_COME);

/**
 * Staff may cancel at any time before the visit, a patient up to the deadline of the appointment type.
 * @throws Refusal `wrong-status`, `past-cancellation-deadline`
 */
export function checkCancellable(
  { status, start }: Appointment,
  caller: Caller,
  deadlineMinutes: number,
  now: Temporal.Instant,
): void {
  demand(status, TO_COME);
  const deadline = Temporal.Instant.from(start).epochMilliseconds - deadlineMinutes * MINUTE;
  if (caller.role === 'patient' && now.epochMilliseconds > deadline) {
    throw new Refusal('past-cancellation-deadline', 'It is too late to cancel this online: please call.');
  }
}
