/** Takes back the last step of a visit in the model. */
import type { CallOf } from './calls.ts';
import type { Outcome } from './expected.ts';
import { provided, refuse } from './preconditions.ts';
import { allReasonsOf } from './revalidation.ts';
import { type BookingRequest, doctorTimeOf, violationsOf } from './rules.ts';
import { type Appointment, type Entry, put, type State, type Status } from './state.ts';
import { DAY, MINUTE } from './units.ts';
import { unchanged } from './visits.ts';

const STEPS: readonly string[] = ['arrived', 'checked-in', 'fulfilled', 'noshow', 'cancelled'] satisfies Status[];
const isStep = (action: string): action is Status => STEPS.includes(action);

/** Returns the statuses that are still in force, oldest first. */
function statusesOf({ history }: Appointment): Status[] {
  const statuses: Status[] = ['booked'];
  for (const { action } of history) {
    if (action === 'stepped-back') statuses.pop();
    else if (isStep(action)) statuses.push(action);
  }
  return statuses;
}

const DAYS_OF_CANCELLATION = 7;

/** Returns the time of a cancelled visit: its length as booked, with its type's present buffers. */
function reinstatePlacement(state: State, before: Appointment, now: number): Outcome | Appointment {
  const type = state.types.get(before.typeId);
  if (!type) throw new Error('an appointment of a type that is not there');
  const { id, patientId, doctorId, start } = before;
  const asItWas = { ...type, durationMinutes: (before.end - start) / MINUTE };
  const request: BookingRequest = { patientId, doctorId, type: asItWas, start, reschedulingId: id };
  const code = violationsOf(state, request, now).find((one) => one === 'slot-taken' || one === 'patient-busy');
  if (code !== undefined) return { expected: { codes: [code], request: { ...request, type } }, state };
  return { ...before, doctorTime: doctorTimeOf(request) };
}

function applyStepBack(state: State, before: Appointment, reason: string, now: number): Outcome {
  const to = statusesOf(before).at(-2) ?? 'booked';
  const placement = before.status === 'cancelled' ? reinstatePlacement(state, before, now) : before;
  if ('expected' in placement) return placement;
  const { sequence, history, version } = before;
  const reasons = to === 'booked' ? allReasonsOf(state, before) : [];
  const entry: Entry = {
    ...{ by: 'administrator', action: 'stepped-back', sequence, status: { from: before.status, to }, reason },
    ...(reasons.length > 0 && { reschedulingReasons: reasons }),
  };
  const after = { ...placement, status: to, reasons, version: version + 1, history: [...history, entry] };
  return unchanged(put(state, 'appointments', after), after);
}

export function stepBack(state: State, { id, reason, ifMatch }: CallOf<'step-back'>, now: number): Outcome {
  const before = state.appointments.get(id);
  if (!before) return refuse(state, 'not-found');
  const meets = (outcome: Outcome) => provided(state, { ifMatch, version: before.version }, outcome);
  if (!isStep(before.status)) return meets(refuse(state, 'wrong-status'));
  const isLongAgo = now > before.end + DAYS_OF_CANCELLATION * DAY;
  if (before.status === 'cancelled' && isLongAgo) return meets(refuse(state, 'not-the-day'));
  return meets(applyStepBack(state, before, reason, now));
}
