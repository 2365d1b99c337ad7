/** Hands the events of an outbox to the bus: at least once, in order within a subject, after a crash as well. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CloudEvent } from '@daybook/contracts';
import { type Database, idFromBytes, idToBytes, together } from '@daybook/database';
import type { Logger } from 'pino';
import type { Bus } from './bus.ts';
import { HeldSubjects } from './held-subjects.ts';

/** Notices what other processes wrote; what this process writes wakes the relay at once. */
const POLL_MILLIS = 250;
const LONGEST_PAUSE_MILLIS = 10_000;
const BATCH = 100;

export interface Relay {
  /** Stops after the events that the bus has at hand. Events that are left wait in the outbox for the next start. */
  close(): Promise<void>;
}

interface DueEvent {
  position: number;
  subject: string;
  /** The CloudEvent, as JSON. */
  text: string;
}

/** The oldest events that are due, but for those of some subjects. */
async function readDue(database: Database, held: ReadonlySet<string>): Promise<DueEvent[]> {
  const rows = await database.read((db) =>
    db
      .selectFrom('outbox')
      .select(['position', 'subject', 'event'])
      .$if(held.size > 0, (query) => query.where('subject', 'not in', [...held].map(idToBytes)))
      .orderBy('position')
      .limit(BATCH)
      .execute(),
  );
  return rows.map(({ position, subject, event }) => ({ position, subject: idFromBytes(subject), text: event }));
}

/** Publishes one subject's events one after the other; stops at the first that fails, so that none overtakes it. */
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

/** Publishes a batch and forgets what the bus took. Returns the failures by their subjects. */
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
  if (published.length > 0) await forget(database, published);
  return failures;
}

/** Each by its key alone: for a list of them, a server may look at the whole outbox, and wait there for changes under way. */
async function forget(database: Database, published: readonly number[]): Promise<void> {
  await database.write((transaction) =>
    together(
      transaction,
      database.dialect,
      published.map((position) => transaction.deleteFrom('outbox').where('position', '=', position)),
    ),
  );
}

/** Publishes what is due, but for subjects that are held. Returns the first failure. */
async function relayRound(database: Database, bus: Bus, held: HeldSubjects, signal: AbortSignal): Promise<unknown> {
  let first: unknown;
  while (!signal.aborted && !held.isFull(performance.now())) {
    const due = await readDue(database, held.waiting(performance.now()));
    const failures = await relayBatch(database, bus, due, signal);
    for (const { subject } of due) if (!failures.has(subject)) held.release(subject);
    for (const [subject, error] of failures) {
      held.hold(subject, performance.now());
      first ??= error;
    }
    if (due.length < BATCH) break;
  }
  return first;
}

/** A wait that others can end early. A ring while nobody waits ends the next wait at once. */
function createBell(): { ring(): void; wait(millis: number): Promise<void> } {
  let rung = false;
  let wake: (() => void) | undefined;
  return {
    ring() {
      rung = true;
      wake?.();
    },
    async wait(millis) {
      if (!rung) {
        const { promise, resolve } = Promise.withResolvers<void>();
        const timer = setTimeout(resolve, millis);
        wake = resolve;
        await promise;
        clearTimeout(timer);
        wake = undefined;
      }
      rung = false;
    },
  };
}

/** Waits so long, or until the signal. */
async function pause(millis: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(millis, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/**
 * Starts relaying: one process of those on a database does, and another takes over when it ends. What fails, subject or
 * database, is tried again, ever more slowly, while the outbox keeps what is due.
 */
export function startRelay(database: Database, bus: Bus, logger: Logger): Relay {
  const closing = new AbortController();
  const { signal } = closing;
  const bell = createBell();
  const turn = database.turnAt('relay');
  const stopListening = database.onEvents(() => bell.ring());
  const held = new HeldSubjects();
  let failures = 0;

  function tell(error: unknown, isNews: boolean): void {
    if (isNews && !signal.aborted) logger.warn({ err: error }, 'events wait in the outbox: the bus did not take them');
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        if (!(await turn.take())) {
          await bell.wait(POLL_MILLIS);
          continue;
        }
        const hadNone = held.size === 0;
        const error = await relayRound(database, bus, held, signal);
        failures = 0;
        if (error !== undefined) tell(error, hadNone);
        if (!signal.aborted) await bell.wait(POLL_MILLIS);
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        tell(error, failures === 1);
        const millis = Math.min(POLL_MILLIS * 2 ** failures, LONGEST_PAUSE_MILLIS);
        await pause(millis * (0.5 + Math.random()), signal);
      }
    }
  }

  const running = run();
  return {
    async close() {
      closing.abort();
      bell.ring();
      stopListening();
      await running;
      await turn.close();
    },
  };
}
