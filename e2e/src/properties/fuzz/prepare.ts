/** Converts a plan to bytes, and to its validity by the schemas. */
import { isUtf8 } from 'node:buffer';
import { createValidator } from '@daybook/service';
import type { Operation } from './document.ts';
import { readSchema } from './document.ts';
import { type IdOf, resolve } from './placeholders.ts';
import type { AddressText, Plan } from './requests.ts';

/** `unknown` when no schema decides. */
export type Validity = 'valid' | 'invalid' | 'unknown';

export interface Prepared {
  readonly bytes: Buffer;
  readonly validity: Validity;
}

/** A head that a parser may reject as too long. */
const LONG_HEAD_BYTES = 4_000;

const isUnreserved = (byte: number): boolean => /[A-Za-z0-9._~-]/.test(String.fromCharCode(byte));
const encode = (bytes: Buffer): string =>
  [...bytes]
    .map((byte) => (isUnreserved(byte) ? String.fromCharCode(byte) : `%${byte.toString(16).padStart(2, '0')}`))
    .join('');

/** Returns the address in Latin-1, as the following code combines it. */
const addressOf = ({ text, isWritten }: AddressText, idOf: IdOf): string =>
  isWritten ? resolve(text, idOf).toString('latin1') : encode(resolve(text, idOf));

function targetOf(plan: Plan, idOf: IdOf): string {
  const path = plan.operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    addressOf(plan.pathParameters[name] ?? { text: '', isWritten: false }, idOf),
  );
  const query = plan.query.map(
    ([name, value]) => `${name.includes('%') ? name : encode(Buffer.from(name))}=${addressOf(value, idOf)}`,
  );
  return `${path}${plan.pathSuffix}${query.length > 0 ? `?${query.join('&')}` : ''}`;
}

/** Where a request goes, and as which caller. */
export interface Destination {
  readonly host: string;
  /** The headers that name the caller. */
  readonly credentials: Readonly<Record<string, string>>;
}

export function prepare(plan: Plan, { host, credentials }: Destination, idOf: IdOf): Prepared {
  const body = plan.body === undefined ? undefined : resolve(plan.body, idOf);
  const headers = plan.headers.map(([name, value]) => `${name}: ${resolve(value, idOf).toString('latin1')}`);
  const announced = (body?.length ?? 0) + plan.missingBytes;
  const length = announced > 0 || body !== undefined ? [`content-length: ${announced}`] : undefined;
  const head = [
    `${plan.method} ${targetOf(plan, idOf)} HTTP/1.1`,
    `host: ${host}`,
    ...Object.entries(credentials).map(([name, value]) => `${name}: ${value}`),
    'connection: close',
    ...headers,
    ...(length ?? []),
    '',
    '',
  ];
  const bytes = Buffer.concat([Buffer.from(head.join('\r\n'), 'latin1'), body ?? Buffer.alloc(0)]);
  const isLong = bytes.length - (body?.length ?? 0) > LONG_HEAD_BYTES;
  const validity = plan.isOdd || isLong ? 'unknown' : validityOf(plan, body, idOf);
  return { bytes, validity };
}

function validityOf(plan: Plan, body: Buffer | undefined, idOf: IdOf): Validity {
  // Raw text in an address may be read in several ways.
  if (
    plan.query.some(
      ([name, { text, isWritten }]) => (isWritten && !/^[\w.-]*$/.test(text)) || name.includes('%') || name === '',
    )
  )
    return 'unknown';
  const texts = [...Object.values(plan.pathParameters), ...plan.query.map(([, value]) => value)];
  if (texts.some(({ text }) => !isUtf8(resolve(text, idOf)))) return 'unknown';
  const isValid = isPathValid(plan, idOf) && isQueryValid(plan, idOf) && isBodyValid(plan.operation, body);
  return isValid ? 'valid' : 'invalid';
}

const isPathValid = ({ operation, pathParameters }: Plan, idOf: IdOf): boolean =>
  operation.parameters
    .filter((parameter) => parameter.in === 'path')
    .every(({ name, schema }) => fits(schema, resolve(pathParameters[name]?.text ?? '', idOf).toString()));

function isQueryValid({ operation, query }: Plan, idOf: IdOf): boolean {
  const names = query.map(([name]) => name);
  const parameters = operation.parameters.filter((parameter) => parameter.in === 'query');
  const known = new Map(parameters.map((parameter) => [parameter.name, parameter]));
  if (new Set(names).size !== names.length) return false;
  if (parameters.some(({ name, required }) => required && !names.includes(name))) return false;
  return query.every(([name, { text }]) => {
    const parameter = known.get(name);
    return parameter !== undefined && fits(parameter.schema, typed(parameter.schema, resolve(text, idOf).toString()));
  });
}

/** Converts text to the type of the schema, if the text is the JSON form of such a value. */
function typed(schema: unknown, text: string): unknown {
  const { type } = readSchema(schema);
  if ((type === 'integer' || type === 'number') && /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text))
    return Number(text);
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

/** The deepest nesting that the API accepts. */
const MOST_LEVELS = 32;
const STRING = /"(?:[^"\\]|\\.)*"/g;

/** Returns the depth of JSON text. It includes members that a later duplicate replaces, which no parsed value shows. */
function levelsOf(json: string): number {
  let [level, most] = [0, 0];
  for (const [bracket] of json.replaceAll(STRING, '').matchAll(/[[\]{}]/g)) {
    level += bracket === '[' || bracket === '{' ? 1 : -1;
    most = Math.max(most, level);
  }
  return most;
}

function isBodyValid({ body: schema }: Operation, body: Buffer | undefined): boolean {
  if (schema === undefined) return body === undefined;
  if (body === undefined || body.length > 1024 * 1024) return false;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    return fits(schema, JSON.parse(text)) && levelsOf(text) <= MOST_LEVELS;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return false;
    throw error;
  }
}

const checkers = new WeakMap<object, (value: unknown) => boolean>();

export function fits(schema: unknown, value: unknown): boolean {
  if (typeof schema !== 'object' || schema === null) throw new Error('a schema is an object');
  const check = checkers.get(schema) ?? checkerFor(schema);
  checkers.set(schema, check);
  return check(value);
}

function checkerFor(schema: object): (value: unknown) => boolean {
  const check = createValidator(schema);
  return (value) => 'value' in check(value);
}
