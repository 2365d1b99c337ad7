/** The requirements of AsyncAPI 3.0 for the parts that our document uses, from its specification. */
import { createValidator } from '@daybook/service';
import { type Static, type TProperties, type TSchema, Type } from 'typebox';

const closed = <Properties extends TProperties>(properties: Properties) =>
  Type.Object(properties, { additionalProperties: false });
/** Restricts names of components, and of other parts here that are derived from them. */
const named = <Value extends TSchema>(value: Value) =>
  Type.Record(Type.String({ pattern: '^[a-zA-Z0-9._-]+$' }), value);
const Reference = closed({ $ref: Type.String({ pattern: '^#/' }) });

const Channel = closed({
  address: Type.String({ maxLength: 255, description: 'As long as a routing key may be' }),
  messages: named(Reference),
  bindings: closed({
    amqp: closed({
      is: Type.Literal('routingKey'),
      exchange: closed({
        name: Type.String({ maxLength: 255 }),
        type: Type.Literal('topic'),
        durable: Type.Boolean(),
        autoDelete: Type.Boolean(),
        vhost: Type.String(),
      }),
      bindingVersion: Type.Literal('0.3.0'),
    }),
  }),
});

const Operation = closed({
  action: Type.Union([Type.Literal('send'), Type.Literal('receive')]),
  channel: Reference,
  messages: Type.Array(Reference, { minItems: 1 }),
  summary: Type.String(),
  'x-source': Type.Optional(Type.String()),
  'x-consumer': Type.Optional(Type.String()),
  'x-queue': Type.Optional(Type.String()),
});

const Message = closed({
  name: Type.String(),
  title: Type.String(),
  contentType: Type.Literal('application/cloudevents+json'),
  /** The envelope, and the fields of this type. */
  payload: closed({
    allOf: Type.Tuple([
      Reference,
      closed({
        type: Type.Literal('object'),
        properties: closed({
          type: closed({ const: Type.String() }),
          source: closed({ const: Type.String() }),
          data: Reference,
        }),
      }),
    ]),
  }),
});

const AsyncApi = closed({
  asyncapi: Type.Literal('3.0.0'),
  info: closed({
    title: Type.String(),
    version: Type.String(),
    description: Type.String(),
    license: closed({ name: Type.String(), url: Type.String() }),
  }),
  defaultContentType: Type.String(),
  channels: named(Channel),
  operations: named(Operation),
  components: closed({
    messages: named(Message),
    schemas: named(Type.Record(Type.String(), Type.Unknown())),
  }),
});
export type AsyncApi = Static<typeof AsyncApi>;

const check = createValidator(AsyncApi);

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** Returns the target of a `$ref`. */
function target(document: unknown, ref: string): unknown {
  const names = ref.slice('#/'.length).split('/');
  return names.reduce((value, name) => (isObject(value) ? value[name] : undefined), document);
}

/** Returns the schema together with everything that it refers to. */
export const resolved = (document: unknown, schema: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, resolvedValue(document, value)]));

/** Returns the schema of a `$ref`, with everything that it refers to. */
export function resolvedAt(document: unknown, ref: string): Record<string, unknown> {
  const schema = target(document, ref);
  if (!isObject(schema)) throw new Error(`there is no schema at ${ref}`);
  return resolved(document, schema);
}

function resolvedValue(document: unknown, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => resolvedValue(document, item));
  if (!isObject(value)) return value;
  return typeof value.$ref === 'string'
    ? resolvedValue(document, target(document, value.$ref))
    : resolved(document, value);
}

const refsIn = (value: unknown): string[] =>
  isObject(value)
    ? Object.entries(value).flatMap(([key, item]) =>
        key === '$ref' && typeof item === 'string' ? [item] : refsIn(item),
      )
    : [];

/** Returns all faults as text, and the document when its shape is valid. */
export function readAsyncApi(value: unknown): { document?: AsyncApi; faults: string[] } {
  const checked = check(value);
  if ('faults' in checked) return { faults: checked.faults.map(({ pointer, message }) => `${pointer} ${message}`) };
  const document = checked.value;
  const dangling = refsIn(document)
    .filter((ref) => target(document, ref) === undefined)
    .map((ref) => `nothing is at ${ref}`);
  const foreign = Object.entries(document.operations).flatMap(([name, { channel, messages }]) => [
    ...(/^#\/channels\/[^/]+$/.test(channel.$ref) ? [] : [`${name} is not of a channel`]),
    ...messages
      .filter(({ $ref }) => !$ref.startsWith(`${channel.$ref}/messages/`))
      .map(({ $ref }) => `${$ref} is not of the channel of ${name}`),
  ]);
  const addresses = Object.values(document.channels).map(({ address }) => address);
  const repeated = addresses
    .filter((address, index) => addresses.indexOf(address) !== index)
    .map((address) => `two channels have the address ${address}`);
  return { document, faults: [...dangling, ...foreign, ...repeated] };
}
