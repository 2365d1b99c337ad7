import { type Static, Type } from 'typebox';
import { Page, paging } from './paging.ts';
import { Id, Instant } from './scalars.ts';

/** The name of a consumer: a service and its purpose. */
export const ConsumerName = () =>
  Type.String({ pattern: '^[a-z-]+(\\.[a-z-]+)*$', maxLength: 100, description: '`notification.messages`' });

/** An event that a consumer could not handle. Holds ids and times only; the data stays in the consumer's database. */
export const ParkedEvent = Type.Object(
  {
    consumer: Type.String({ description: 'The consumer that could not handle it: `notification.messages`' }),
    eventId: Id(),
    type: Type.String({ description: '`daybook.appointment.booked.v1`' }),
    subject: Id('What it is about'),
    sequence: Type.Integer({ description: 'Rises within the subject' }),
    source: Type.String({ description: 'The service that published it: `/services/appointment`' }),
    time: Instant('When it happened'),
    reason: Type.String({ description: 'The kind of the last failure' }),
    parkedAt: Instant('When it failed last'),
  },
  { title: 'ParkedEvent' },
);
export type ParkedEvent = Static<typeof ParkedEvent>;

export const ParkedEventPage = Page(ParkedEvent, 'ParkedEventPage');

export const ParkedEventQuery = Type.Object(paging, { additionalProperties: false });
export type ParkedEventQuery = Static<typeof ParkedEventQuery>;

export const PARKED_EVENTS_PATH = '/api/v1/admin/parked-events';
