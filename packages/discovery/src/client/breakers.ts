/** A circuit breaker for every instance. An instance that keeps failing is skipped for a second. */
import { CircuitBreaker } from '@daybook/async';
import type { Instance } from '../discovery.ts';
import type { Log } from '../log.ts';
import { createOutageLog, type OutageLog } from '../outage-log.ts';
import { AttemptFailure, UnusableResponse } from './attempt.ts';

/** An attempt in progress. */
export interface TrackedAttempt {
  /** Records the end of the attempt: a success, or the given error. */
  end(error?: unknown): void;
}

export interface Breakers {
  /** Returns whether to skip the instance now, because its breaker is open or its one trial is in progress. */
  blocks(instance: Instance): boolean;
  /** Records the start of an attempt. Breakers of instances that are not in `known` may be dropped. */
  begin(instance: Instance, known: readonly Instance[]): TrackedAttempt;
}

export interface BreakersOptions {
  logger: Log;
  /** Returns monotonic milliseconds. */
  now?: () => number;
}

const OPEN_MILLIS = 1_000;
const OPTIONS = {
  consecutiveFailures: 3,
  openFor: { firstMillis: OPEN_MILLIS, longestMillis: OPEN_MILLIS, leastShare: 1 },
};

interface Entry {
  readonly breaker: CircuitBreaker;
  readonly outage: OutageLog;
}

export function createBreakers({ logger, now = () => performance.now() }: BreakersOptions): Breakers {
  const entries = new Map<string, Entry>();

  function create({ instanceId, serviceId }: Instance): Entry {
    const messages = { lost: 'circuit breaker opened', restored: 'circuit breaker closed' };
    const outage = createOutageLog(logger, messages, { serviceId, instanceId });
    return { breaker: new CircuitBreaker(OPTIONS), outage };
  }

  function retainOnly(known: readonly Instance[]): void {
    const ids = new Set(known.map(({ instanceId }) => instanceId));
    for (const instanceId of entries.keys()) if (!ids.has(instanceId)) entries.delete(instanceId);
  }

  function entryOf(instance: Instance, known: readonly Instance[]): Entry {
    const existing = entries.get(instance.instanceId);
    if (existing) return existing;
    retainOnly(known);
    const entry = create(instance);
    entries.set(instance.instanceId, entry);
    return entry;
  }

  function recordOutcome({ breaker, outage }: Entry, error: unknown): void {
    if (error instanceof AttemptFailure) {
      if (breaker.recordFailure(now()) !== undefined) outage.failed(error.message);
    } else if (error === undefined || (breaker.isOpen && error instanceof UnusableResponse)) {
      // An instance that responds works, even if its response is unusable.
      breaker.recordSuccess();
      outage.recovered();
    }
    breaker.recordEnd();
  }

  return {
    blocks({ instanceId }) {
      const breaker = entries.get(instanceId)?.breaker;
      return breaker?.isOpen === true && !breaker.admits(now());
    },
    begin(instance, known) {
      const entry = entryOf(instance, known);
      entry.breaker.recordAttempt();
      return { end: (error) => recordOutcome(entry, error) };
    },
  };
}
