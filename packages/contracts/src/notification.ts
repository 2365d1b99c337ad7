import { type Static, Type } from 'typebox';
import { Id, Instant, OneOf } from './scalars.ts';

export const MESSAGE_KINDS = ['booked', 'rescheduled', 'cancelled'] as const;
export type MessageKind = (typeof MESSAGE_KINDS)[number];

/** A message about an appointment, stored for the people concerned. It names the event; readers request the details. */
export const Message = Type.Object(
  {
    id: Id(),
    appointmentId: Id(),
    kind: OneOf(MESSAGE_KINDS),
    channel: Type.Literal('in-app', { description: 'Kept here, to be read over this API' }),
    status: Type.Literal('delivered'),
    createdAt: Instant(),
  },
  { title: 'Message' },
);
export type Message = Static<typeof Message>;

export const MessageList = Type.Object({ items: Type.Array(Message) }, { title: 'MessageList' });
export const MessageQuery = Type.Object({ appointmentId: Id() }, { additionalProperties: false });
export type MessageQuery = Static<typeof MessageQuery>;
