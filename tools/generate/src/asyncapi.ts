/** Builds the AsyncAPI 3.0 document from the catalogue of events. */
import {
  EVENT_EXCHANGE,
  EventEnvelope,
  type EventType,
  eventConsumers,
  eventTypes,
  INTERNAL_EVENTS,
  routingKeyOf,
} from '@daybook/contracts';
import { namesIn } from '@daybook/messaging';
import { VERSION } from '@daybook/service';

const DESCRIPTION =
  `What happens in Daybook, as CloudEvents 1.0 in structured mode. An event carries ids and times only: a consumer that needs
a name reads it over the API. An event comes at least once, after its change was committed. The events of one
\`subject\` come in the order of their \`sequence\`, but for one that a consumer could not handle: it is parked, later ones
pass it, and an administrator may resend it. The routing key on the topic exchange \`${EVENT_EXCHANGE}\` is the
address of the channel.`.replaceAll('\n', ' ');

const isPublic = (type: EventType): boolean => !INTERNAL_EVENTS.includes(type);
const types = Object.keys(eventTypes)
  .filter((type): type is EventType => type in eventTypes)
  .filter(isPublic);

/** Returns the source of an event: `daybook.patient.…` is from `/services/patient`. A test checks this convention. */
const sourceOf = (type: EventType): string => `/services/${type.split('.')[1]}`;

function titleOf(type: EventType): string {
  const schema: object = eventTypes[type];
  if ('title' in schema && typeof schema.title === 'string') return schema.title;
  throw new Error(`the data of ${type} has no title`);
}

const ref = (pointer: string) => ({ $ref: `#/${pointer}` });

const byAddress = <Value>(describe: (type: EventType, address: string) => Value): Record<string, Value> =>
  Object.fromEntries(types.map((type) => [routingKeyOf(type), describe(type, routingKeyOf(type))]));

const channelOf = (_type: EventType, address: string) => ({
  address,
  messages: { [address]: ref(`components/messages/${address}`) },
  bindings: {
    amqp: {
      is: 'routingKey',
      exchange: { name: EVENT_EXCHANGE, type: 'topic', durable: true, autoDelete: false, vhost: '/' },
      bindingVersion: '0.3.0',
    },
  },
});

const messageOf = (type: EventType, address: string) => ({
  name: type,
  title: address,
  contentType: 'application/cloudevents+json',
  payload: {
    allOf: [
      ref('components/schemas/EventEnvelope'),
      {
        type: 'object',
        properties: {
          type: { const: type },
          source: { const: sourceOf(type) },
          data: ref(`components/schemas/${titleOf(type)}`),
        },
      },
    ],
  },
});

const operation = (action: 'send' | 'receive', address: string, more: Record<string, string>) => ({
  action,
  channel: ref(`channels/${address}`),
  messages: [ref(`channels/${address}/messages/${address}`)],
  ...more,
});

function operationsOf() {
  const sending = types.map((type) => {
    const address = routingKeyOf(type);
    const source = sourceOf(type);
    return [
      `publish.${address}`,
      operation('send', address, { summary: `Published by \`${source}\``, 'x-source': source }),
    ];
  });
  const receiving = Object.entries(eventConsumers).flatMap(([consumer, wanted]) =>
    wanted.filter(isPublic).map((type) => {
      const address = routingKeyOf(type);
      const summary = `Handled by the consumer \`${consumer}\``;
      const by = { 'x-consumer': consumer, 'x-queue': namesIn().queueOf(consumer) };
      return [`${consumer}.${address}`, operation('receive', address, { summary, ...by })];
    }),
  );
  return Object.fromEntries([...sending, ...receiving]);
}

export function asyncApiOf(): string {
  const document = {
    asyncapi: '3.0.0',
    info: {
      title: 'Daybook events',
      version: VERSION,
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: 'application/cloudevents+json',
    channels: byAddress(channelOf),
    operations: operationsOf(),
    components: {
      messages: byAddress(messageOf),
      schemas: { EventEnvelope, ...Object.fromEntries(types.map((type) => [titleOf(type), eventTypes[type]])) },
    },
  };
  return JSON.stringify(document, null, 2);
}
