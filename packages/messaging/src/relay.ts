/** Publishes the events of an outbox on the bus: at least once and in order within a subject, even after crashes. */
import { backoffMillis, pause } from '@daybook/async';
import type { CloudEvent } from '@daybook/contracts';
import { type Database, executeBatch, idFromBytes, idToBytes } from '@daybook/database';
import type { Logger } from 'pino';
import type { Bus } from './bus.ts';
import { SubjectBackoff } from './subject-backoff.ts';

/** Polls for the writes of other processes; writes of this process wake the relay immediately. */
const POLL_MILLIS = 250;
/** Pauses of 0.25 to 0.75 s at first, and of 5 to 15 s at last. */
const RETRY = { firstMillis: 750, longestMillis: 15_000, leastShare: 1 / 3 };
const BATCH = 100;

export interface Relay {
  /** Stops after the events in progress. Remaining events wait in the outbox for the next start. */
  close(): Promise<void>;
}

interface DueEvent {
  position: number;
  subject: string;
  /** The CloudEvent, as JSON. */
  text: string;
}

/** Returns the oldest due events, except those of suspended subjects. */
async function readDue(database: Database, suspended: ReadonlySet<string>): Promise<DueEvent[]> {
  const rows = await database.read((db) =>
    db
      .selectFrom('outbox')
      .select(['position', 'subject', 'event'])
      .$if(suspended.size > 0, (query) => query.where('subject', 'not in', [...suspended].map(idToBytes)))
      .orderBy('position')
      .limit(BATCH)
      .execute(),
  );
  return rows.map(({ position, subject, event }) => ({ position, subject: idFromBytes(subject), text: event }));
}

/** Publishes one subject's events one after the other. Stops at the first failure, so that no event overtakes it. */
async function publishInOrder(
  bus: Bus,
  events: readonly DueEvent[],
  published: number[],
  signal: AbortSignal,
): Promise<void> {
  for (const { position, text } of events) {
    const event: CloudEvent = JSON.parse(text);
    await bus.publish(event, signal);
    published.push(position);
  }
}

/** Publishes a batch and deletes the published events. Returns the failures by subject. */
async function relayBatch(
  database: Database,
  bus: Bus,
  due: readonly DueEvent[],
  signal: AbortSignal,
): Promise<Map<string, unknown>> {
  const published: number[] = [];
  const failures = new Map<string, unknown>();
  const subjects = Map.groupBy(due, ({ subject }) => subject);
  await Promise.all(
    [...subjects].map(async ([subject, events]) => {
      try {
        await publishInOrder(bus, events, published, signal);
      } catch (error) {
        failures.set(subject, error);
      }
    }),
  );
  if (published.length > 0) await deletePublished(database, published);
  return failures;
}

/**
 * Deletes each by its key alone. For a list of keys, a server may read the whole outbox and wait there for open
 * transactions.
 */
async function deletePublished(database: Database, published: readonly number[]): Promise<void> {
  await database.write((transaction) =>
    executeBatch(
      transaction,
      database.dialect,
      published.map((position) => transaction.deleteFrom('outbox').where('position', '=', position)),
    ),
  );
}

/** Publishes the due events of all subjects that are not suspended. Returns the first failure. */
async function relayRound(
  database: Database,
  bus: Bus,
  backoff: SubjectBackoff,
  signal: AbortSignal,
): Promise<unknown> {
  let firstFailure: unknown;
  while (!signal.aborted && !backoff.isFull(performance.now())) {
    const due = await readDue(database, backoff.suspended(performance.now()));
    const failures = await relayBatch(database, bus, due, signal);
    for (const { subject } of due) if (!failures.has(subject)) backoff.resume(subject);
    for (const [subject, error] of failures) {
      backoff.suspend(subject, performance.now());
      firstFailure ??= error;
    }
    if (due.length < BATCH) break;
  }
  return firstFailure;
}

/** Creates a wait that others can end early. A notification without a waiter ends the next wait immediately. */
function createWakeup(): { notify(): void; wait(millis: number): Promise<void> } {
  let notified = false;
  let wake: (() => void) | undefined;
  return {
    notify() {
      notified = true;
      wake?.();
    },
    async wait(millis) {
      if (!notified) {
        const { promise, resolve } = Promise.withResolvers<void>();
        const timer = setTimeout(resolve, millis);
        wake = resolve;
        await promise;
        clearTimeout(timer);
        wake = undefined;
      }
      notified = false;
    },
  };
}

/**
 * Starts relaying. One process of a database relays, and another takes over when it ends. A failing subject or database
 * is retried with growing pauses, while the outbox keeps the due events.
 */
export function startRelay(database: Database, bus: Bus, logger: Logger): Relay {
  const closing = new AbortController();
  const { signal } = closing;
  const wakeup = createWakeup();
  const lock = database.advisoryLock('relay');
  const stopListening = database.onEvents(() => wakeup.notify());
  const backoff = new SubjectBackoff();
  let failures = 0;

  function logFailure(error: unknown, isFirst: boolean): void {
    if (isFirst && !signal.aborted) logger.warn({ err: error }, 'events kept in the outbox: publishing failed');
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        if (!(await lock.tryAcquire())) {
          await wakeup.wait(POLL_MILLIS);
          continue;
        }
        const hadNone = backoff.size === 0;
        const error = await relayRound(database, bus, backoff, signal);
        failures = 0;
        if (error !== undefined) logFailure(error, hadNone);
        if (!signal.aborted) await wakeup.wait(POLL_MILLIS);
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        logFailure(error, failures === 1);
        await pause(backoffMillis(failures, RETRY), signal);
      }
    }
  }

  const running = run();
  return {
    async close() {
      closing.abort();
      wakeup.notify();
      stopListening();
      await running;
      await lock.close();
    },
  };
}
