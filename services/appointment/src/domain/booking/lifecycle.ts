/**
 * The steps of an appointment: from which status and when each may be taken (FHIR's AppointmentStatus), and how the last one
 * is taken back (docs/decisions/0034-the-life-of-a-visit.md).
 */
import { type Appointment, type AppointmentStatus, type Caller, type HistoryAction, Refusal } from '@daybook/contracts';
import type { Interval } from '../slots/grid.ts';
import { DAY, MINUTE, toMillis } from '../time.ts';

interface StepRule {
  readonly from: readonly AppointmentStatus[];
  /** From these as well, once the days of the visit are over: what was not noted in time is noted later. */
  readonly fromLater: readonly AppointmentStatus[];
  readonly to: AppointmentStatus;
  /** A patient is there on the day of the visit. How a visit ended is known once it has begun, and may be noted later. */
  readonly when: 'on-the-day' | 'once-begun';
}

export const STEPS = {
  arrive: { from: ['booked'], fromLater: [], to: 'arrived', when: 'on-the-day' },
  'check-in': { from: ['booked', 'arrived'], fromLater: [], to: 'checked-in', when: 'on-the-day' },
  fulfil: { from: ['arrived', 'checked-in'], fromLater: ['booked'], to: 'fulfilled', when: 'once-begun' },
  'no-show': { from: ['booked'], fromLater: [], to: 'noshow', when: 'once-begun' },
} as const satisfies Record<string, StepRule>;

export type Step = keyof typeof STEPS;

/** An appointment that is still to come can be moved and cancelled. */
export const UPCOMING_STATUSES: readonly AppointmentStatus[] = ['proposed', 'pending', 'booked', 'waitlist'];

/** A visit that has not ended: its reason and note can be changed. */
const UNENDED_STATUSES: readonly AppointmentStatus[] = [...UPCOMING_STATUSES, 'arrived', 'checked-in'];

function assertStatus(status: AppointmentStatus, allowed: readonly AppointmentStatus[]): void {
  if (!allowed.includes(status)) {
    throw new Refusal('wrong-status', `It is ${status}; this needs ${allowed.join(' or ')}.`);
  }
}

/** The days of a visit in its zone, as one interval: two days where it crosses midnight. */
function daysOf({ start, end, timeZone }: Pick<Appointment, 'start' | 'end' | 'timeZone'>): Interval {
  const dayOf = (millis: number) =>
    Temporal.Instant.fromEpochMilliseconds(millis).toZonedDateTimeISO(timeZone).toPlainDate();
  const startOf = (day: Temporal.PlainDate) => day.toZonedDateTime(timeZone).epochMilliseconds;
  return { start: startOf(dayOf(toMillis(start))), end: startOf(dayOf(toMillis(end) - 1).add({ days: 1 })) };
}

/** @throws Refusal `wrong-status`, `not-the-day` */
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

/** The statuses that a step or a cancellation leads to. The history calls what led to each by the same word. */
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
 * A cancellation is taken back up to so many days after the visit. The key refuses a second visit at the same time only
 * while reservations are kept, and they are kept longer than this.
 */
export const CANCELLATION_UNDO_DAYS = 7;

/** @throws Refusal `wrong-status` when there is no step to take back, `not-the-day` for a cancellation of long ago */
export function checkCanStepBack({ status, end }: Appointment, now: Temporal.Instant): void {
  if (!STEP_STATUSES.includes(status)) {
    throw new Refusal(
      'wrong-status',
      `It is ${status}: there is no step to take back. A move is taken back by moving.`,
    );
  }
  if (status === 'cancelled' && now.epochMilliseconds > toMillis(end) + CANCELLATION_UNDO_DAYS * DAY) {
    const detail = `A cancellation is taken back up to ${CANCELLATION_UNDO_DAYS} days after the visit, which ended at ${end}.`;
    throw new Refusal('not-the-day', detail);
  }
}

/**
 * Returns the status before the last step, from the actions of the history, newest first: a step that was taken back counts
 * no more. Every appointment begins as booked.
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

/** @throws Refusal `wrong-status` */
export const checkNotEnded = ({ status }: Appointment): void => assertStatus(status, UNENDED_STATUSES);

/** @throws Refusal `wrong-status` */
export const checkMovable = ({ status }: Appointment): void => assertStatus(status, UPCOMING_STATUSES);

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
  assertStatus(status, UPCOMING_STATUSES);
  const deadline = toMillis(start) - deadlineMinutes * MINUTE;
  if (caller.role === 'patient' && now.epochMilliseconds > deadline) {
    throw new Refusal('past-cancellation-deadline', 'It is too late to cancel this online: please call.');
  }
}
