/** Defines the header names and values that a file of routes may set. */
import type { Fault } from '@daybook/contracts';
import { type Static, Type } from 'typebox';
import { HOP_BY_HOP } from '../http/connection-headers.ts';

const TOKEN = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/;

/** Visible characters with blanks between them, so that a value cannot begin another header. */
const Value = Type.String({ maxLength: 1_000, pattern: '^(?:[\\x21-\\x7e](?:[\\t\\x20-\\x7e]*[\\x21-\\x7e])?)?$' });

export const HeaderValues = Type.Record(Type.String(), Value, { minProperties: 1, maxProperties: 20 });
export const HeaderNames = Type.Array(Type.String(), { minItems: 1, maxItems: 20, uniqueItems: true });

/** Reserved: they delimit a message, name its target, or hold what only the gateway knows. */
const RESERVED = new Set([
  ...HOP_BY_HOP,
  'content-encoding',
  'content-length',
  'expect',
  'forwarded',
  'host',
  'traceparent',
  'x-request-id',
]);
const FORWARDING = /^x-forwarded-|^x-real-ip$/;

function faultOfName(name: string): string | undefined {
  if (!TOKEN.test(name)) return 'is not a header name';
  const plain = name.toLowerCase();
  return RESERVED.has(plain) || FORWARDING.test(plain) ? 'is set by the gateway itself' : undefined;
}

export const faultsOfHeaderValues = (values: Static<typeof HeaderValues>): Fault[] =>
  Object.keys(values).flatMap((name) => faultAt(`/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, name));

export const faultsOfHeaderNames = (names: Static<typeof HeaderNames>): Fault[] =>
  names.flatMap((name, index) => faultAt(`/${index}`, name));

function faultAt(pointer: string, name: string): Fault[] {
  const message = faultOfName(name);
  return message === undefined ? [] : [{ pointer, message }];
}

/** Returns names in lower case, as flat lists hold them. */
export const lowerCaseNames = (names: readonly string[]): readonly string[] => names.map((name) => name.toLowerCase());

export const flatHeaders = (values: Static<typeof HeaderValues>): readonly string[] =>
  Object.entries(values).flatMap(([name, value]) => [name.toLowerCase(), value]);
