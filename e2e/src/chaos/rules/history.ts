/** Reconstructs each appointment from its history alone. */
import type { FinalState, HistoryRow } from '../final-state.ts';
import type { Rule } from './rule.ts';

/** An appointment at one of its versions. */
export interface Past {
  readonly doctorId: string;
  readonly start: number;
  readonly end: number;
  readonly status: string;
  readonly sequence: number;
}

const STATUS: Readonly<Record<string, string>> = { booked: 'booked', cancelled: 'cancelled' };

/** Returns the appointment by version, from the first on, without versions that cannot be derived. */
export function pastOf(history: readonly HistoryRow[]): ReadonlyMap<number, Past> {
  const past = new Map<number, Past>();
  let now: Past | undefined;
  for (const { version, action, sequence, to } of history) {
    const times = to && {
      doctorId: to.doctorId,
      start: Temporal.Instant.from(to.start).epochMilliseconds,
      end: Temporal.Instant.from(to.end).epochMilliseconds,
    };
    if (!now && !times) continue;
    const before: Past = now ?? { doctorId: '', start: 0, end: 0, status: 'booked', sequence: 0 };
    now = { ...before, ...times, status: STATUS[action] ?? before.status, sequence };
    past.set(version, now);
  }
  return past;
}

export const historyOf = ({ history }: FinalState): ReadonlyMap<string, readonly HistoryRow[]> =>
  Map.groupBy(history, ({ appointmentId }) => appointmentId);

export const historyIsComplete: Rule = {
  name: 'the history is complete, and agrees with the appointments',
  findViolations(state) {
    const histories = historyOf(state);
    const violations = state.appointments.flatMap((row) => {
      const history = histories.get(row.id) ?? [];
      const versions = history.map(({ version }) => version).join();
      const expected = Array.from({ length: row.version }, (_, index) => index + 1).join();
      if (versions !== expected) return `${row.id} is at version ${row.version}, its history has ${versions || 'none'}`;
      const last = pastOf(history).get(row.version);
      const isSame =
        last?.doctorId === row.doctorId &&
        last.start === row.startsAt &&
        last.end === row.endsAt &&
        last.status === row.status &&
        last.sequence === row.sequence;
      return isSame ? [] : `${row.id} is ${JSON.stringify(row)}, its history has ${JSON.stringify(last)}`;
    });
    const known = new Set(state.appointments.map(({ id }) => id));
    const orphans = [...histories.keys()].filter((id) => !known.has(id));
    return [...violations, ...orphans.map((id) => `${id} has a history and is not there`)];
  },
};
