/** The steps of an appointment, and from which status each may be taken (FHIR's AppointmentStatus). */
import { type Appointment, type AppointmentStatus, type Caller, Refusal } from '@daybook/contracts';
import { MINUTE, toMillis } from './time.ts';

interface StepRule {
  readonly from: readonly AppointmentStatus[];
  readonly to: AppointmentStatus;
  /** What says how a visit ended cannot be known before it begins, and cannot be taken back. */
  readonly onceBegun: boolean;
}

export const STEPS = {
  arrive: { from: ['booked'], to: 'arrived', onceBegun: false },
  'check-in': { from: ['booked', 'arrived'], to: 'checked-in', onceBegun: false },
  fulfil: { from: ['arrived', 'checked-in'], to: 'fulfilled', onceBegun: true },
  'no-show': { from: ['booked'], to: 'noshow', onceBegun: true },
} as const satisfies Record<string, StepRule>;

export type Step = keyof typeof STEPS;

/** An appointment that is still to come can be moved and cancelled. */
export const TO_COME: readonly AppointmentStatus[] = ['proposed', 'pending', 'booked', 'waitlist'];

/** A visit that has not ended: its reason and note can be changed. */
const NOT_ENDED: readonly AppointmentStatus[] = [...TO_COME, 'arrived', 'checked-in'];

function demand(status: AppointmentStatus, allowed: readonly AppointmentStatus[]): void {
  if (!allowed.includes(status)) {
    throw new Refusal('wrong-status', `It is ${status}; this needs ${allowed.join(' or ')}.`);
  }
}

/** @throws Refusal `wrong-status` */
export function statusAfter(
  step: Step,
  { status, start }: Appointment,
  now: Temporal.Instant,
): (typeof STEPS)[Step]['to'] {
  const { from, to, onceBegun } = STEPS[step];
  demand(status, from);
  if (onceBegun && now.epochMilliseconds < toMillis(start)) {
    throw new Refusal('wrong-status', `The visit has not begun: it starts at ${start}.`);
  }
  return to;
}

/** @throws Refusal `wrong-status` */
export const checkNotEnded = ({ status }: Appointment): void => demand(status, NOT_ENDED);

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
  const deadline = toMillis(start) - deadlineMinutes * MINUTE;
  if (caller.role === 'patient' && now.epochMilliseconds > deadline) {
    throw new Refusal('past-cancellation-deadline', 'It is too late to cancel this online: please call.');
  }
}
