/** The receiving end: each event has its effect once, and one that cannot be handled stops no other. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CloudEvent, EventType } from '@daybook/contracts';
import {
  type Database,
  type DatabaseDialect,
  DatabaseUnavailable,
  idToBytes,
  type SharedTables,
  sharedPart,
} from '@daybook/database';
import type { Transaction } from 'kysely';
import type { Logger } from 'pino';
import type { Subscription } from './bus.ts';

export type Effect<Tables> = (transaction: Transaction<Tables & SharedTables>, event: CloudEvent) => Promise<void>;

export interface ConsumerOptions<Tables> {
  name: string;
  types: readonly EventType[];
  database: Database<Tables>;
  /** Runs in the transaction that also notes the event in the inbox. */
  effect: Effect<Tables>;
  logger: Logger;
}

const ATTEMPTS = 3;
const RETRY_BASE_MILLIS = 50;

/** Wraps an effect so that it happens once for each event id, and parks an event that fails again and again. */
export function createConsumer<Tables>(options: ConsumerOptions<Tables>): Subscription {
  const { name, types, database, effect, logger } = options;

  const handleOnce = (event: CloudEvent): Promise<void> =>
    database.write(async (transaction) => {
      if (await enterInbox(database.dialect, sharedPart(transaction), name, event)) await effect(transaction, event);
    });

  return {
    consumer: name,
    types,
    async handle(event) {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await handleOnce(event);
        } catch (error) {
          // Without a database nothing can be parked, either: the bus brings the event again.
          if (error instanceof DatabaseUnavailable) throw error;
          if (attempt < ATTEMPTS) {
            await sleep(RETRY_BASE_MILLIS * 2 ** attempt * (0.5 + Math.random()));
            continue;
          }
          logger.error({ err: error, consumer: name, eventId: event.id, eventType: event.type }, 'parked an event');
          return park(database, name, event, error);
        }
      }
    },
  };
}

/** False when this consumer has handled the event already. */
async function enterInbox(
  dialect: DatabaseDialect,
  transaction: Transaction<SharedTables>,
  consumer: string,
  event: CloudEvent,
): Promise<boolean> {
  try {
    await transaction
      .insertInto('inbox')
      .values({ consumer, event_id: idToBytes(event.id), handled_at: Temporal.Now.instant().epochMilliseconds })
      .execute();
    return true;
  } catch (error) {
    if (dialect.isUniqueViolation(error)) return false;
    throw error;
  }
}

async function park<Tables>(database: Database<Tables>, consumer: string, event: CloudEvent, error: unknown) {
  await database.write(async (transaction) => {
    const shared = sharedPart(transaction);
    if (!(await enterInbox(database.dialect, shared, consumer, event))) return;
    await shared
      .insertInto('parked_events')
      .values({
        consumer,
        event_id: idToBytes(event.id),
        event: JSON.stringify(event),
        reason: error instanceof Error ? error.name : 'unknown',
        parked_at: Temporal.Now.instant().epochMilliseconds,
      })
      .execute();
  });
}
