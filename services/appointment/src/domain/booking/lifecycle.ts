/**
 * The steps of an appointment: the statuses and the times that allow each (FHIR's AppointmentStatus).
 * It also defines how the last step is taken back (docs/decisions/0034-visit-lifecycle.md).
 */
import {
  type Appointment,
  type AppointmentStatus,
  DAY,
  type HistoryAction,
  MINUTE,
  Refusal,
  toMillis,
  type VerifiedCaller,
} from '@daybook/contracts';
import type { Interval } from '../slots/grid.ts';

interface StepRule {
  readonly from: readonly AppointmentStatus[];
  /** Statuses that also allow the step after the days of the visit, so that it can be noted later. */
  readonly fromLater: readonly AppointmentStatus[];
  readonly to: AppointmentStatus;
  /**
   * A patient arrives on the day of the visit. The end of a visit is known once it has begun, and may be noted later.
   */
  readonly when: 'on-the-day' | 'once-begun';
}

export const STEPS = {
  arrive: { from: ['booked'], fromLater: [], to: 'arrived', when: 'on-the-day' },
  'check-in': { from: ['booked', 'arrived'], fromLater: [], to: 'checked-in', when: 'on-the-day' },
  fulfil: { from: ['arrived', 'checked-in'], fromLater: ['booked'], to: 'fulfilled', when: 'once-begun' },
  'no-show': { from: ['booked'], fromLater: [], to: 'noshow', when: 'once-begun' },
} as const satisfies Record<string, StepRule>;

export type Step = keyof typeof STEPS;

/** The statuses of a future appointment, which can be moved and cancelled. */
export const UPCOMING_STATUSES: readonly AppointmentStatus[] = ['proposed', 'pending', 'booked', 'waitlist'];

/** The statuses of a visit that has not ended, whose reason and note can be changed. */
const UNENDED_STATUSES: readonly AppointmentStatus[] = [...UPCOMING_STATUSES, 'arrived', 'checked-in'];

function assertStatus(status: AppointmentStatus, allowed: readonly AppointmentStatus[]): void {
  if (!allowed.includes(status)) {
    throw new Refusal('wrong-status', `The appointment is ${status}; this needs ${allowed.join(' or ')}.`);
  }
}

/** Returns the days of a visit in its zone, as one interval: two days when it crosses midnight. */
function daysOf({ start, end, timeZone }: Pick<Appointment, 'start' | 'end' | 'timeZone'>): Interval {
  const dayOf = (millis: number) =>
    Temporal.Instant.fromEpochMilliseconds(millis).toZonedDateTimeISO(timeZone).toPlainDate();
  const startOf = (day: Temporal.PlainDate) => day.toZonedDateTime(timeZone).epochMilliseconds;
  return { start: startOf(dayOf(toMillis(start))), end: startOf(dayOf(toMillis(end) - 1).add({ days: 1 })) };
}

/**
 * Returns the status after a step.
 * @throws Refusal `wrong-status`, `not-the-day`
 */
export function statusAfter(step: Step, appointment: Appointment, now: Temporal.Instant): (typeof STEPS)[Step]['to'] {
  const { from, fromLater, to, when } = STEPS[step];
  const { status, start } = appointment;
  const days = daysOf(appointment);
  const isOver = now.epochMilliseconds >= days.end;
  assertStatus(status, isOver ? [...from, ...fromLater] : from);
  if (when === 'once-begun' && now.epochMilliseconds < toMillis(start)) {
    throw new Refusal('wrong-status', `The visit has not begun: it starts at ${start}.`);
  }
  if (when === 'on-the-day' && (isOver || now.epochMilliseconds < days.start)) {
    throw new Refusal('not-the-day', `Take this step on the day of the visit, which starts at ${start}.`);
  }
  return to;
}

/** The statuses after a step or a cancellation. The history names the actions by the same words. */
const STEP_STATUSES: readonly string[] = [
  'arrived',
  'checked-in',
  'fulfilled',
  'noshow',
  'cancelled',
] satisfies (AppointmentStatus & HistoryAction)[];

const isStepped = (action: HistoryAction): action is AppointmentStatus & HistoryAction =>
  STEP_STATUSES.includes(action);

/**
 * Days after the visit within which a cancellation can be taken back.
 * It must be less than the retention of reservations, because their key rejects a second visit then.
 */
export const CANCELLATION_UNDO_DAYS = 7;

/**
 * Checks that the last step can be taken back.
 * @throws Refusal `wrong-status` without a step to take back, `not-the-day` for a cancellation of long ago
 */
export function checkCanStepBack({ status, end }: Appointment, now: Temporal.Instant): void {
  if (!STEP_STATUSES.includes(status)) {
    throw new Refusal(
      'wrong-status',
      `The appointment is ${status}: there is no step to take back. To take back a move, move it again.`,
    );
  }
  if (status === 'cancelled' && now.epochMilliseconds > toMillis(end) + CANCELLATION_UNDO_DAYS * DAY) {
    const detail = `A cancellation is taken back up to ${CANCELLATION_UNDO_DAYS} days after the visit, which ended at ${end}.`;
    throw new Refusal('not-the-day', detail);
  }
}

/**
 * Returns the status before the last step, from the actions of the history, newest first.
 * A step that was taken back no longer counts. Every appointment begins as booked.
 */
export async function statusBeforeLastStep(actions: AsyncIterable<HistoryAction>): Promise<AppointmentStatus> {
  let takenBack = 0;
  let hasLast = false;
  for await (const action of actions) {
    if (action === 'stepped-back') takenBack += 1;
    if (!isStepped(action)) continue;
    if (takenBack > 0) takenBack -= 1;
    else if (hasLast) return action;
    else hasLast = true;
  }
  return 'booked';
}

/**
 * Checks that the visit has not ended.
 * @throws Refusal `wrong-status`
 */
export const checkNotEnded = ({ status }: Appointment): void => assertStatus(status, UNENDED_STATUSES);

/**
 * Checks that the appointment can be moved.
 * @throws Refusal `wrong-status`
 */
export const checkMovable = ({ status }: Appointment): void => assertStatus(status, UPCOMING_STATUSES);

/**
 * Checks that the caller may cancel: staff at any time before the visit, a patient up to the type's deadline.
 * @throws Refusal `wrong-status`, `past-cancellation-deadline`
 */
export function checkCancellable(
  { status, start }: Appointment,
  caller: Pick<VerifiedCaller, 'role'>,
  deadlineMinutes: number,
  now: Temporal.Instant,
): void {
  assertStatus(status, UPCOMING_STATUSES);
  checkWithinDeadline({ start }, caller, deadlineMinutes, now, 'cancel');
}

/**
 * Checks that a patient still may cancel or move an appointment. Staff may at any time.
 * @throws Refusal `past-cancellation-deadline`
 */
export function checkWithinDeadline(
  { start }: Pick<Appointment, 'start'>,
  { role }: Pick<VerifiedCaller, 'role'>,
  deadlineMinutes: number,
  now: Temporal.Instant,
  action: 'cancel' | 'move',
): void {
  const deadline = toMillis(start) - deadlineMinutes * MINUTE;
  if (role === 'patient' && now.epochMilliseconds > deadline) {
    throw new Refusal('past-cancellation-deadline', `It is too late to ${action} this online: please call.`);
  }
}
