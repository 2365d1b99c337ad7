/** Applies the steps of an appointment after its booking, in the model. */
import { representationOf } from './booking.ts';
import type { CallOf, ListQuery, VisitStep } from './calls.ts';
import type { Outcome } from './expected.ts';
import { provided, refuse } from './preconditions.ts';
import { type Appointment, type Entry, put, type State, type Status } from './state.ts';
import { toMillis } from './units.ts';

interface Rule {
  readonly from: readonly Status[];
  /** Statuses that also permit it after the days of the visit. */
  readonly fromAfterwards: readonly Status[];
  readonly to: Extract<Entry['action'], Status>;
  /** Whether it requires that the visit has begun; otherwise it is permitted on its days. */
  readonly requiresStart: boolean;
}

const RULES: Readonly<Record<VisitStep, Rule>> = {
  arrive: { from: ['booked'], fromAfterwards: [], to: 'arrived', requiresStart: false },
  'check-in': { from: ['booked', 'arrived'], fromAfterwards: [], to: 'checked-in', requiresStart: false },
  fulfil: { from: ['arrived', 'checked-in'], fromAfterwards: ['booked'], to: 'fulfilled', requiresStart: true },
  'no-show': { from: ['booked'], fromAfterwards: [], to: 'noshow', requiresStart: true },
};

const dateAt = (millis: number, timeZone: string): string =>
  Temporal.Instant.fromEpochMilliseconds(millis).toZonedDateTimeISO(timeZone).toPlainDate().toString();

export const unchanged = (state: State, appointment: Appointment): Outcome => ({
  expected: { status: 200, body: representationOf(appointment), version: appointment.version },
  state,
});

/** Changes the status. After any manual step, no rescheduling is needed. */
function advance(state: State, before: Appointment, to: Rule['to'], more: { reason?: string } = {}): Outcome {
  const { sequence, history, version } = before;
  const entry: Entry = { by: 'administrator', action: to, sequence, ...more };
  const after = { ...before, status: to, reasons: [], version: version + 1, history: [...history, entry] };
  return unchanged(put(state, 'appointments', after), after);
}

export function cancel(state: State, { id, reason, ifMatch }: CallOf<'cancel'>): Outcome {
  const before = state.appointments.get(id);
  if (!before) return refuse(state, 'not-found');
  const meets = (outcome: Outcome) => provided(state, { ifMatch, version: before.version }, outcome);
  if (before.status === 'cancelled') return meets(unchanged(state, before));
  if (before.status !== 'booked') return meets(refuse(state, 'wrong-status'));
  return meets(advance(state, before, 'cancelled', { reason }));
}

export function takeStep(state: State, { id, step, ifMatch }: CallOf<'take-step'>, now: number): Outcome {
  const before = state.appointments.get(id);
  if (!before) return refuse(state, 'not-found');
  const { from, fromAfterwards, to, requiresStart } = RULES[step];
  const today = dateAt(now, before.timeZone);
  const isOver = today > dateAt(before.end - 1, before.timeZone);
  const isOnTheDay = today >= dateAt(before.start, before.timeZone) && !isOver;
  const isRightStatus = from.includes(before.status) || (isOver && fromAfterwards.includes(before.status));
  const isTooEarly = requiresStart && now < before.start;
  const code = !isRightStatus || isTooEarly ? 'wrong-status' : requiresStart || isOnTheDay ? undefined : 'not-the-day';
  const outcome = code === undefined ? advance(state, before, to) : refuse(state, code);
  return provided(state, { ifMatch, version: before.version }, outcome);
}

export function get(state: State, { id }: CallOf<'get'>): Outcome {
  const appointment = state.appointments.get(id);
  return appointment ? unchanged(state, appointment) : refuse(state, 'not-found');
}

export function history(state: State, { id }: CallOf<'history'>): Outcome {
  const appointment = state.appointments.get(id);
  if (!appointment) return refuse(state, 'not-found');
  return { expected: { status: 200, body: { items: appointment.history } }, state };
}

export function listed(state: State, query: ListQuery): object[] {
  const { doctorId, patientId, status, needsRescheduling, from, to } = query;
  return [...state.appointments.values()]
    .filter((one) => doctorId === undefined || one.doctorId === doctorId)
    .filter((one) => patientId === undefined || one.patientId === patientId)
    .filter((one) => status === undefined || status.split(',').includes(one.status))
    .filter(({ reasons }) => needsRescheduling === undefined || reasons.length > 0 === needsRescheduling)
    .filter(({ end }) => from === undefined || end > toMillis(from))
    .filter(({ start }) => to === undefined || start < toMillis(to))
    .sort((a, b) => a.start - b.start || (a.id < b.id ? -1 : 1))
    .map(representationOf);
}

export function list(state: State, { query }: CallOf<'list'>): Outcome {
  const { from, to } = query;
  if (from !== undefined && to !== undefined && toMillis(to) < toMillis(from)) return refuse(state, 'invalid-request');
  return { expected: { status: 200, body: { items: listed(state, query) } }, state };
}
