/** Lists events that could not be handled, and resends them after a fix. */
import { type Caller, type ParkedEvent, permit, Refusal, type Role } from '@daybook/contracts';
import { type Database, idToBytes, type WriteContext } from '@daybook/database';
import type { Consumer } from './consumer.ts';
import { toParkedEvent } from './parked-rows.ts';

/** The sort key of the list, where a page ended. It means the same in every service. */
export interface ParkedEventKey {
  /** Milliseconds since 1970. */
  readonly parkedAt: number;
  readonly consumer: string;
  readonly eventId: string;
}

/** The start of the first page. */
export const BEFORE_ALL: ParkedEventKey = {
  parkedAt: 0,
  consumer: '',
  eventId: '00000000-0000-0000-0000-000000000000',
};

export interface ParkedEventStore {
  /**
   * Returns at most `count` events, oldest parked first, including those of removed consumers.
   * @throws Refusal `forbidden`
   */
  list(caller: Caller, after: ParkedEventKey, count: number): Promise<ParkedEvent[]>;
  /**
   * Resends an event; see `Consumer.resend`.
   * @throws Refusal `forbidden`, `not-found`, `still-parked`, `precondition-failed`
   */
  resend(caller: Caller, consumer: string, eventId: string, write: WriteContext<ParkedEvent>): Promise<ParkedEvent>;
}

/** The roles that may read and resend parked events. */
export const OPERATORS: readonly Role[] = ['administrator'];

/** `consumers` are the running consumers of this database. */
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
      if (!found) throw new Refusal('not-found', 'There is no consumer with this name.');
      return found.resend(eventId, write);
    },
  };
}
