/** The routes of parked events, for every service with consumers. The gateway merges their lists. */
import {
  ConsumerName,
  DEFAULT_LIMIT,
  Id,
  Nothing,
  PARKED_EVENTS_PATH,
  ParkedEvent,
  ParkedEventPage,
  ParkedEventQuery,
} from '@daybook/contracts';
import type { Database } from '@daybook/database';
import { BEFORE_ALL, type Consumer, createParkedEventStore, type ParkedEventKey } from '@daybook/messaging';
import { Type } from 'typebox';
import type { App } from './app-type.ts';
import { type CursorKey, decodeCursor } from './cursor.ts';
import { replyIdempotently } from './idempotency.ts';
import { pageOf, sendPage } from './pagination.ts';
import { rejectBody } from './reject-body.ts';

const tags = ['Administration'];
const Params = Type.Object({ consumer: ConsumerName(), eventId: Id() });
const unchangedShape = { status: 200, headers: () => ({}) };

/** Returns the sort key of the list, which is also that of the cursor. */
export const keyOfParkedEvent = ({ parkedAt, consumer, eventId }: ParkedEvent): CursorKey => [
  Temporal.Instant.from(parkedAt).epochMilliseconds,
  consumer,
  eventId,
];

/**
 * Decodes a cursor.
 * @throws Refusal `invalid-request` when this list did not create it
 */
export function readParkedEventCursor(cursor: string | undefined): ParkedEventKey {
  if (cursor === undefined) return BEFORE_ALL;
  const [parkedAt, consumer, eventId] = decodeCursor(cursor, ['number', 'string', 'id']);
  return { parkedAt, consumer, eventId };
}

/** `consumers` are all consumers of this service, and `database` is their database. */
export function addParkedEventRoutes(app: App, database: Database, consumers: readonly Consumer[]): void {
  const store = createParkedEventStore(database, consumers);

  app.get(
    PARKED_EVENTS_PATH,
    {
      schema: {
        tags,
        operationId: 'listParkedEvents',
        description:
          'The events that could not be handled, of every service, oldest parked first. Ids and times only. ' +
          '503 when one of the services is away, because the list is complete or not returned.',
        querystring: ParkedEventQuery,
        response: { 200: ParkedEventPage },
      },
      config: { problems: ['forbidden'] },
    },
    async (request, reply) => {
      const { limit = DEFAULT_LIMIT, cursor } = request.query;
      const events = await store.list(request.caller, readParkedEventCursor(cursor), limit + 1);
      sendPage(
        request,
        reply,
        pageOf(events, limit, keyOfParkedEvent, (event) => event),
      );
      return reply;
    },
  );

  app.post(
    `${PARKED_EVENTS_PATH}/:consumer/:eventId/resend`,
    {
      schema: {
        tags,
        operationId: 'resendParkedEvent',
        description:
          'Handles the event once more, though newer ones of its subject may have been handled meanwhile, and ' +
          'returns the parked event as it was. If it fails again it stays parked, with the new reason. A further ' +
          'attempt needs a new Idempotency-Key.',
        querystring: Nothing,
        params: Params,
        response: { 200: ParkedEvent },
      },
      config: { problems: ['forbidden', 'still-parked'] },
      preValidation: rejectBody,
    },
    async (request, reply) => {
      const { consumer, eventId } = request.params;
      await replyIdempotently(request, reply, database, unchangedShape, (write) =>
        store.resend(request.caller, consumer, eventId, write),
      );
      return reply;
    },
  );
}
