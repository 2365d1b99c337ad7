/** Events, stored in the transaction of the change that they describe. A relay publishes them on the bus. */
import { type CloudEvent, type EventData, type EventType, instantText } from '@daybook/contracts';
import type { InsertQueryBuilder, InsertResult, Transaction } from 'kysely';
import { idToBytes, newId } from './id.ts';
import type { SharedTables } from './shared-tables.ts';

/** An event before it has an id and a time. */
export interface NewEvent<T extends EventType = EventType> {
  readonly type: T;
  /** The id of the resource that changed. */
  readonly subject: string;
  /** Rises within a subject: the version of the resource. */
  readonly sequence: number;
  readonly data: EventData<T>;
}

export interface EventOrigin {
  /** The service: `/services/appointment`. */
  readonly source: string;
  readonly time: Temporal.Instant;
  /** From the request that caused the event. */
  readonly traceparent?: string | undefined;
}

/** Returns the origin of an event that a write of the service causes. */
export const originOf = (
  source: string,
  time: Temporal.Instant,
  { traceparent }: Pick<EventOrigin, 'traceparent'>,
): EventOrigin => ({ source, time, traceparent });

/**
 * Transactions that stored events. Their COMMIT wakes the relay of this process by `onEvents` of the database.
 * The relay finds the events of other processes when it polls, and deletes each after the bus has taken it.
 */
const eventful = new WeakSet<object>();

export const hasEvents = (transaction: object): boolean => eventful.has(transaction);

function rowOf<T extends EventType>(event: NewEvent<T>, { source, time, traceparent }: EventOrigin) {
  const cloudEvent: CloudEvent<T> = {
    specversion: '1.0',
    id: newId(),
    source,
    type: event.type,
    subject: event.subject,
    time: instantText(time),
    datacontenttype: 'application/json',
    sequence: event.sequence,
    ...(traceparent !== undefined && { traceparent }),
    data: event.data,
  };
  return {
    event_id: idToBytes(cloudEvent.id),
    event: JSON.stringify(cloudEvent),
    subject: idToBytes(event.subject),
    created_at: time.epochMilliseconds,
  };
}

/** An event with its origin. */
export interface OriginatedEvent<T extends EventType = EventType> {
  readonly event: NewEvent<T>;
  readonly origin: EventOrigin;
}

/** Returns the statement that stores events, at least one. The caller must run it in this transaction. */
export function insertEvents(
  transaction: Transaction<SharedTables>,
  events: readonly OriginatedEvent[],
): InsertQueryBuilder<SharedTables, 'outbox', InsertResult> {
  eventful.add(transaction);
  return transaction.insertInto('outbox').values(events.map(({ event, origin }) => rowOf(event, origin)));
}

/** Returns the statement that stores an event. The caller must run it in this transaction. */
export function insertEvent<T extends EventType>(
  transaction: Transaction<SharedTables>,
  event: NewEvent<T>,
  origin: EventOrigin,
): InsertQueryBuilder<SharedTables, 'outbox', InsertResult> {
  eventful.add(transaction);
  return transaction.insertInto('outbox').values(rowOf(event, origin));
}

export async function appendEvent<T extends EventType>(
  transaction: Transaction<SharedTables>,
  event: NewEvent<T>,
  origin: EventOrigin,
): Promise<void> {
  await insertEvent(transaction, event, origin).execute();
}
