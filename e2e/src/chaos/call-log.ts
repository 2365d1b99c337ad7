/** Writes the clients' log: every call and every response, one line each, in the order of time. */
import { createWriteStream } from 'node:fs';
import type { Call, Operation, Outcome } from './calls.ts';

export interface CallLog {
  readonly calls: readonly Call[];
  /** The number of responses of each kind: `201`, `409 slot-taken`, `unknown`. */
  readonly counts: ReadonlyMap<string, number>;
  begin(key: string, operation: Operation, isKeyed: boolean): Call;
  record(call: Call, outcome: Outcome): void;
  close(): Promise<void>;
}

const kindOf = (outcome: Outcome): string => {
  if (outcome.is === 'unknown') return `no response: ${outcome.reason}`;
  return outcome.is === 'done' ? String(outcome.status) : `${outcome.status} ${outcome.code}`;
};

export function openCallLog(file: string): CallLog {
  const stream = createWriteStream(file, { flags: 'a' });
  const calls: Call[] = [];
  const counts = new Map<string, number>();
  // A failed run closes the log during calls. Their later writes must not hide the failure.
  const write = (line: object) => {
    if (!stream.writableEnded) stream.write(`${JSON.stringify({ at: Date.now(), ...line })}\n`);
  };
  return {
    calls,
    counts,
    begin(key, operation, isKeyed) {
      const call = { key, operation, isKeyed, outcomes: [] };
      calls.push(call);
      write({ key, isKeyed, operation });
      return call;
    },
    record(call, outcome) {
      call.outcomes.push(outcome);
      const kind = kindOf(outcome);
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
      write({ key: call.key, outcome });
    },
    close: () => new Promise((resolve) => stream.end(resolve)),
  };
}
