/** What could not be handled: to be seen, and to be sent again once its cause is mended. */
import { type Caller, type ParkedEvent, permit, Refusal, type Role } from '@daybook/contracts';
import { type Database, idToBytes, type WriteContext } from '@daybook/database';
import type { Consumer } from './consumer.ts';
import { toParkedEvent } from './parked-rows.ts';

/** Where a page ended: the sort key of the list, which means the same at every service. */
export interface ParkedEventKey {
  /** Milliseconds since 1970. */
  readonly parkedAt: number;
  readonly consumer: string;
  readonly eventId: string;
}

/** Where the first page begins. */
export const BEFORE_ALL: ParkedEventKey = {
  parkedAt: 0,
  consumer: '',
  eventId: '00000000-0000-0000-0000-000000000000',
};

export interface ParkedEventStore {
  /** Oldest parked first, at most `count`; also those of consumers that are no more. @throws Refusal `forbidden` */
  list(caller: Caller, after: ParkedEventKey, count: number): Promise<ParkedEvent[]>;
  /** As `Consumer.resend`. @throws Refusal `forbidden`, `not-found`, `still-parked`, `precondition-failed` */
  resend(caller: Caller, consumer: string, eventId: string, write: WriteContext<ParkedEvent>): Promise<ParkedEvent>;
}

/** The callers that parked events are for. */
export const OPERATORS: readonly Role[] = ['administrator'];

/** `consumers` are those of this database that run here. */
export function createParkedEventStore(database: Database, consumers: readonly Consumer[]): ParkedEventStore {
  const byName = new Map(consumers.map((consumer) => [consumer.consumer, consumer]));
  return {
    async list(caller, after, count) {
      permit(caller, OPERATORS);
      const { parkedAt, consumer, eventId } = after;
      const rows = await database.read((db) =>
        db
          .selectFrom('parked_events')
          .selectAll()
          .where('parked_at', '>=', parkedAt)
          .where(({ and, or, eb }) =>
            or([
              eb('parked_at', '>', parkedAt),
              eb('consumer', '>', consumer),
              and([eb('consumer', '=', consumer), eb('event_id', '>', idToBytes(eventId))]),
            ]),
          )
          .orderBy('parked_at')
          .orderBy('consumer')
          .orderBy('event_id')
          .limit(count)
          .execute(),
      );
      return rows.map(toParkedEvent);
    },

    async resend(caller, consumer, eventId, write) {
      permit(caller, OPERATORS);
      const found = byName.get(consumer);
      if (!found) throw new Refusal('not-found', 'There is no consumer of that name here.');
      return found.resend(eventId, write);
    },
  };
}
