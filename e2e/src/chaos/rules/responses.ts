/** The rules that responses are true, and that each call takes effect once, or never if it was refused. */
import { type Call, mayHaveHappened, type ReturnedResource, responsesOf } from '../calls.ts';
import type { FinalState } from '../final-state.ts';
import { historyOf, type Past, pastOf } from './history.ts';
import type { Rule } from './rule.ts';

const millisOf = (instant: string | undefined): number =>
  instant === undefined ? Number.NaN : Temporal.Instant.from(instant).epochMilliseconds;

const isAsShown = (resource: ReturnedResource, past: Past): boolean =>
  resource.doctorId === past.doctorId &&
  millisOf(resource.start) === past.start &&
  millisOf(resource.end) === past.end &&
  resource.status === past.status &&
  resource.sequence === past.sequence;

/** Requires every response about an appointment to match its history. */
export const confirmedIsStored: Rule = {
  name: 'what was confirmed is there, as it was confirmed',
  findViolations(state) {
    const histories = historyOf(state);
    const patients = new Map(state.patients.map((patient) => [patient.id, patient]));
    const owners = new Map(state.appointments.map(({ id, patientId }) => [id, patientId]));
    return state.calls.flatMap((call) => {
      const [response] = responsesOf(call);
      if (response?.is !== 'done' || call.operation.do === 'hold') return [];
      const { resource } = response;
      if (call.operation.do === 'register') {
        return patients.get(resource.id)?.key === call.key ? [] : `${call.key}: patient ${resource.id} is not there`;
      }
      const past = pastOf(histories.get(resource.id) ?? []).get(resource.version ?? 0);
      if (!past) return `${call.key}: ${resource.id} was confirmed at version ${resource.version}, and is not there`;
      if (owners.get(resource.id) !== resource.patientId) return `${call.key}: ${resource.id} is of another patient`;
      if (isAsShown(resource, past)) return [];
      return `${call.key}: ${JSON.stringify(resource)} was confirmed, the history has ${JSON.stringify(past)}`;
    });
  },
};

export const retriesAgree: Rule = {
  name: 'a retry has the same response',
  findViolations({ calls }) {
    return calls.flatMap((call) => {
      const responses = new Set(responsesOf(call).map((response) => JSON.stringify(response)));
      return responses.size > 1 ? `${call.key}: ${[...responses].join(' and ')}` : [];
    });
  },
};

/** Returns how often each call took effect, by the data with its key. */
function effectsOf({ appointments, patients, history }: FinalState): Map<string, number> {
  const counts = new Map<string, number>();
  const count = (key: string) => counts.set(key, (counts.get(key) ?? 0) + 1);
  for (const { reason } of appointments) count(reason);
  for (const { key } of patients) count(key);
  for (const { action, reason } of history) if (action === 'cancelled' && reason !== undefined) count(reason);
  return counts;
}

const carriesKey = ({ operation }: Call): boolean => ['book', 'register', 'cancel'].includes(operation.do);

export const refusedHasNoEffect: Rule = {
  name: 'what was refused did not happen',
  findViolations(state) {
    const effects = effectsOf(state);
    return state.calls
      .filter((call) => carriesKey(call) && !mayHaveHappened(call) && effects.has(call.key))
      .map((call) => `${call.key} (${call.operation.do}) was refused, and happened: ${JSON.stringify(call.outcomes)}`);
  },
};

const moveKey = (id: string, doctorId: string, start: number) => `${id} to ${doctorId} at ${start}`;

/** Returns the moves that exceed the calls, because moves carry no key. */
function excessMoves({ calls, history }: FinalState): string[] {
  const requested = new Map<string, number>();
  for (const call of calls) {
    if (call.operation.do !== 'move' || !mayHaveHappened(call)) continue;
    const key = moveKey(call.operation.id, call.operation.doctorId, millisOf(call.operation.start));
    requested.set(key, (requested.get(key) ?? 0) + 1);
  }
  const performed = new Map<string, number>();
  for (const { appointmentId, action, to } of history) {
    if (action !== 'rescheduled' || !to) continue;
    const key = moveKey(appointmentId, to.doctorId, millisOf(to.start));
    performed.set(key, (performed.get(key) ?? 0) + 1);
  }
  return [...performed]
    .filter(([key, times]) => times > (requested.get(key) ?? 0))
    .map(([key, times]) => `moved ${times} times, requested ${requested.get(key) ?? 0} times: ${key}`);
}

export const atMostOneEffect: Rule = {
  name: 'each call has its effect once at most',
  findViolations(state) {
    const known = new Set(state.calls.map(({ key }) => key));
    const effects = [...effectsOf(state)];
    const twice = effects.filter(([key, times]) => known.has(key) && times > 1);
    const strange = state.appointments.filter(({ reason }) => !known.has(reason));
    return [
      ...twice.map(([key, times]) => `${key} happened ${times} times`),
      ...strange.map(({ id }) => `${id} was not requested`),
      ...excessMoves(state),
    ];
  },
};
