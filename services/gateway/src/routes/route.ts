/** One route, and the fields that each has whatever its predicates and filters are. */
import { type Static, Type } from 'typebox';

const MAX_TIMEOUT_MILLIS = 300_000;

const Millis = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_TIMEOUT_MILLIS, description }));

export const Timeouts = Type.Object(
  {
    connectMillis: Millis('For a connection to an instance'),
    headersMillis: Millis('Until the response begins, retries included'),
    bodyMillis: Millis('The longest pause in a response that has begun'),
    totalMillis: Millis('For everything; an event stream has no end'),
  },
  { additionalProperties: false, minProperties: 1 },
);
export type Timeouts = Static<typeof Timeouts>;

/** One route of the file. */
export interface Route {
  readonly id: string;
  /** All of them must match. */
  readonly predicates: { readonly path: readonly string[]; readonly [name: string]: unknown };
  /** Each is an object with one field, named after the filter. They apply in this order. */
  readonly filters?: readonly { readonly [name: string]: unknown }[];
  /** The service id: `patient-service`. */
  readonly service: string;
  /** Short for `headersMillis` and `bodyMillis`. */
  readonly timeoutMillis?: number;
  readonly timeouts?: Timeouts;
}

const NAME = '^[a-z][a-z0-9-]*$';

/** The common properties of routes. Predicates and filters have their own schemas. */
export const routeProperties = {
  id: Type.String({ pattern: NAME, maxLength: 100 }),
  service: Type.String({ pattern: NAME, maxLength: 100, description: 'The service id: `patient-service`' }),
  timeoutMillis: Millis('Short for headersMillis and bodyMillis'),
  timeouts: Type.Optional(Timeouts),
};
