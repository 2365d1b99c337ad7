/** The receiving end: each event has its effect once, and an event that cannot be handled does not block others. */
import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMillis, createMicroBatcher } from '@daybook/async';
import { type CloudEvent, type EventType, type ParkedEvent, Refusal } from '@daybook/contracts';
import {
  asSharedTransaction,
  type Database,
  DatabaseUnavailable,
  type SharedTables,
  type WriteContext,
} from '@daybook/database';
import type { Transaction } from 'kysely';
import type { Logger } from 'pino';
import type { Subscription } from './bus.ts';
import { addToInbox, replaceInInbox } from './inbox.ts';
import { notParked, park, reasonOf, unpark, updateParked } from './parked-rows.ts';

/** Returns the log fields of a failure: reason and place, but not the error's text, which may quote data. */
const failureFields = (error: unknown) => ({
  reason: reasonOf(error),
  at:
    error instanceof Error
      ? error.stack
          ?.split('\n')
          .filter((line) => /^ +at /.test(line))
          .slice(0, 5)
      : undefined,
});

/** The effect of concurrent events on a database, applied for all or none. */
export type Effect<Tables> = (
  transaction: Transaction<Tables & SharedTables>,
  events: readonly CloudEvent[],
) => Promise<void>;

/** Returns an effect that handles each event separately. */
export const forEach =
  <Tables>(
    effect: (transaction: Transaction<Tables & SharedTables>, event: CloudEvent) => Promise<void>,
  ): Effect<Tables> =>
  async (transaction, events) => {
    for (const event of events) await effect(transaction, event);
  };

export interface ConsumerOptions<Tables> {
  name: string;
  types: readonly EventType[];
  database: Database<Tables>;
  /** Runs in the transaction that also adds the events to the inbox. */
  effect: Effect<Tables>;
  /**
   * Whether concurrent events are handled in one transaction. Leave it out where an effect locks contended rows. The
   * transaction would hold the locks until the last event is done.
   */
  inBatches?: boolean;
  logger: Logger;
}

export interface Consumer extends Subscription {
  /**
   * Handles a parked event and removes it in one transaction, which also calls `storeResponse`. Newer events of its
   * subject may have been handled before: see docs/decisions/0011-parked-events.md.
   * @returns the parked event as it was
   * @throws Refusal `not-found` when it is not parked; `still-parked` when it failed again and stays with the new
   * reason
   */
  resend(eventId: string, write: WriteContext<ParkedEvent>): Promise<ParkedEvent>;
}

const ATTEMPTS = 3;
/** Pauses of 50 to 150 ms, then of 100 to 300 ms. */
const RETRY = { firstMillis: 150, longestMillis: 300, leastShare: 1 / 3 };

/** The most events in one transaction. */
const MAX_BATCH = 32;

/** Wraps an effect so that it happens once for each event id. An event that fails repeatedly is parked. */
export function createConsumer<Tables>(options: ConsumerOptions<Tables>): Consumer {
  const processOne = (event: CloudEvent, firstAttempt?: Promise<void>) =>
    handleWithRetries(options, event, firstAttempt);
  const processBatch = (events: readonly CloudEvent[]) => handleOnce(options, events);
  return {
    consumer: options.name,
    types: options.types,
    handle: options.inBatches
      ? createMicroBatcher({ processBatch, processOne }, MAX_BATCH)
      : (event) => processOne(event),
    park: (event) => parkDeadLetter(options, event),
    resend: (eventId, write) => resend(options, eventId, write),
  };
}

/** Handles an event with retries, and parks it after the last failure. `firstAttempt` has already begun. */
async function handleWithRetries<Tables>(
  options: ConsumerOptions<Tables>,
  event: CloudEvent,
  firstAttempt = handleOnce(options, [event]),
): Promise<void> {
  const { name, database, logger } = options;
  let attempt = firstAttempt;
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await attempt;
    } catch (error) {
      // Without a database the event cannot be parked either, so the bus redelivers it.
      if (error instanceof DatabaseUnavailable) throw error;
      if (attempts === ATTEMPTS) {
        logger.error(
          { ...failureFields(error), consumer: name, eventId: event.id, eventType: event.type },
          'event parked',
        );
        return park(database, name, event, error);
      }
      await sleep(backoffMillis(attempts, RETRY));
      attempt = handleOnce(options, [event]);
    }
  }
}

/** The bus delivered the event repeatedly, and each consumer ended without reporting an outcome. */
class DeliveryLimitReached extends Error {
  override readonly name = 'DeliveryLimitReached';
}

async function parkDeadLetter<Tables>(
  { name, database, logger }: ConsumerOptions<Tables>,
  event: CloudEvent,
): Promise<void> {
  logger.error({ consumer: name, eventId: event.id, eventType: event.type }, 'dead letter parked');
  await park(database, name, event, new DeliveryLimitReached());
}

/** Some event of a batch was handled before. Processing each event alone finds out which. */
class AlreadyHandled extends Error {
  override readonly name = 'AlreadyHandled';
}

/** Skips a single event that was handled before. In a batch it makes all fail. */
const handleOnce = <Tables>(
  { name, database, effect }: ConsumerOptions<Tables>,
  events: readonly CloudEvent[],
): Promise<void> =>
  database.write(async (transaction) => {
    const ids = events.map(({ id }) => id);
    const areNew = await addToInbox(database.dialect, asSharedTransaction(transaction), name, ids);
    if (areNew) await effect(transaction, events);
    else if (events.length > 1) throw new AlreadyHandled();
  });

async function resend<Tables>(
  { name, database, effect, logger }: ConsumerOptions<Tables>,
  eventId: string,
  write: WriteContext<ParkedEvent>,
): Promise<ParkedEvent> {
  let failure: { readonly error: unknown } | undefined;
  try {
    return await database.write(async (transaction) => {
      const shared = asSharedTransaction(transaction);
      const { event, parked, version } = await unpark(database.dialect, shared, name, eventId);
      // Callers never receive this version, so an If-Match with any version is rejected.
      write.checkVersion(version);
      await replaceInInbox(database.dialect, shared, name, eventId);
      try {
        await effect(transaction, [event]);
      } catch (error) {
        failure = { error };
        throw error;
      }
      await write.storeResponse(shared, parked);
      return parked;
    });
  } catch (error) {
    // An unavailable database reports its own error.
    if (failure?.error !== error) throw error;
    logger.error({ ...failureFields(error), consumer: name, eventId }, 'resend failed');
    // Another resend may have removed the event while this one failed.
    if (!(await updateParked(database, name, eventId, error))) throw notParked();
    throw new Refusal('still-parked', `It failed again (${reasonOf(error)}) and stays parked.`);
  }
}
