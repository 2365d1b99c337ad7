/** What clients were told is true, and what they asked for happened once or, where it was refused, not at all. */
import { answersOf, type Call, mayHaveHappened, type Shown } from '../calls.ts';
import type { Evidence } from '../evidence.ts';
import { historyOf, type Past, pastOf } from './history.ts';
import type { Rule } from './index.ts';

const millisOf = (instant: string | undefined): number =>
  instant === undefined ? Number.NaN : Temporal.Instant.from(instant).epochMilliseconds;

const isAsShown = (shown: Shown, past: Past): boolean =>
  shown.doctorId === past.doctorId &&
  millisOf(shown.start) === past.start &&
  millisOf(shown.end) === past.end &&
  shown.status === past.status &&
  shown.sequence === past.sequence;

/** Every answer about an appointment shows it as its history tells that it was. */
export const answersAreTrue: Rule = {
  name: 'what was confirmed is there, as it was confirmed',
  breaches(evidence) {
    const histories = historyOf(evidence);
    const patients = new Map(evidence.patients.map((patient) => [patient.id, patient]));
    const owners = new Map(evidence.appointments.map(({ id, patientId }) => [id, patientId]));
    return evidence.calls.flatMap((call) => {
      const [answer] = answersOf(call);
      if (answer?.is !== 'done' || call.wish.do === 'hold') return [];
      const { shown } = answer;
      if (call.wish.do === 'register') {
        return patients.get(shown.id)?.key === call.key ? [] : `${call.key}: patient ${shown.id} is not there`;
      }
      const past = pastOf(histories.get(shown.id) ?? []).get(shown.version ?? 0);
      if (!past) return `${call.key}: ${shown.id} was confirmed at version ${shown.version}, and is not there`;
      if (owners.get(shown.id) !== shown.patientId) return `${call.key}: ${shown.id} is of another patient`;
      if (isAsShown(shown, past)) return [];
      return `${call.key}: ${JSON.stringify(shown)} was confirmed, the history tells ${JSON.stringify(past)}`;
    });
  },
};

export const retriesAgree: Rule = {
  name: 'a retry has the same answer',
  breaches({ calls }) {
    return calls.flatMap((call) => {
      const answers = new Set(answersOf(call).map((answer) => JSON.stringify(answer)));
      return answers.size > 1 ? `${call.key}: ${[...answers].join(' and ')}` : [];
    });
  },
};

/** How often each call took effect, by what bears its key. */
function effectsOf({ appointments, patients, history }: Evidence): Map<string, number> {
  const counts = new Map<string, number>();
  const count = (key: string) => counts.set(key, (counts.get(key) ?? 0) + 1);
  for (const { reason } of appointments) count(reason);
  for (const { key } of patients) count(key);
  for (const { action, reason } of history) if (action === 'cancelled' && reason !== undefined) count(reason);
  return counts;
}

const isMarked = ({ wish }: Call): boolean => ['book', 'register', 'cancel'].includes(wish.do);

export const refusedMeansNothing: Rule = {
  name: 'what was refused did not happen',
  breaches(evidence) {
    const effects = effectsOf(evidence);
    return evidence.calls
      .filter((call) => isMarked(call) && !mayHaveHappened(call) && effects.has(call.key))
      .map((call) => `${call.key} (${call.wish.do}) was refused, and happened: ${JSON.stringify(call.outcomes)}`);
  },
};

const moveKey = (id: string, doctorId: string, start: number) => `${id} to ${doctorId} at ${start}`;

/** Moves bear no key: no more of them than were asked for, of the same appointment to the same time. */
function movesTooMany({ calls, history }: Evidence): string[] {
  const asked = new Map<string, number>();
  for (const call of calls) {
    if (call.wish.do !== 'move' || !mayHaveHappened(call)) continue;
    const key = moveKey(call.wish.id, call.wish.doctorId, millisOf(call.wish.start));
    asked.set(key, (asked.get(key) ?? 0) + 1);
  }
  const made = new Map<string, number>();
  for (const { appointmentId, action, to } of history) {
    if (action !== 'rescheduled' || !to) continue;
    const key = moveKey(appointmentId, to.doctorId, millisOf(to.start));
    made.set(key, (made.get(key) ?? 0) + 1);
  }
  return [...made]
    .filter(([key, times]) => times > (asked.get(key) ?? 0))
    .map(([key, times]) => `moved ${times} times, asked ${asked.get(key) ?? 0} times: ${key}`);
}

export const nothingTwice: Rule = {
  name: 'each call has its effect once at most',
  breaches(evidence) {
    const known = new Set(evidence.calls.map(({ key }) => key));
    const effects = [...effectsOf(evidence)];
    const twice = effects.filter(([key, times]) => known.has(key) && times > 1);
    const strange = evidence.appointments.filter(({ reason }) => !known.has(reason));
    return [
      ...twice.map(([key, times]) => `${key} happened ${times} times`),
      ...strange.map(({ id }) => `${id} was asked for by nobody`),
      ...movesTooMany(evidence),
    ];
  },
};
