/**
 * One pair of validators for all services of a process: bodies are taken as they are, query parameters (which are all
 * text) are read as the type their schema names. Every fault is reported, unknown fields are refused by the schemas.
 */
import { BIRTH_DATE, type Fault, FREE_TEXT, VISIBLE_TEXT } from '@daybook/contracts';
import { isRegistryUsers } from '@daybook/discovery';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { fullFormats } from 'ajv-formats/dist/formats.js';
import type { FastifySchemaCompiler } from 'fastify';
import type { Static, TSchema } from 'typebox';
import {
  isAmqpUrl,
  isHostName,
  isHttpOrigin,
  isHttpUrlList,
  isInstant,
  isLanguageTag,
  isNetwork,
  isNetworkList,
  isPlainDate,
  isTimeZone,
} from './formats.ts';
import { isPhone } from './phone.ts';

const formats = {
  'date-time': isInstant,
  date: isPlainDate,
  'time-zone': isTimeZone,
  'language-tag': isLanguageTag,
  'http-origin': isHttpOrigin,
  'http-url-list': isHttpUrlList,
  'amqp-url': isAmqpUrl,
  'host-name': isHostName,
  network: isNetwork,
  'network-list': isNetworkList,
  'registry-users': isRegistryUsers,
  email: fullFormats.email,
  phone: isPhone,
  uuid: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i,
};
const common = { formats, strict: false, removeAdditional: false, coerceTypes: false } as const;
/** The first fault: a list that is too long is refused before anything in it is looked at. */
const first = new Ajv({ ...common, useDefaults: false });
const all = new Ajv({ ...common, allErrors: true, useDefaults: false });
const firstWithDefaults = new Ajv({ ...common, useDefaults: true });
const settings = new Ajv({ ...common, allErrors: true, coerceTypes: true, useDefaults: true });

/** What is larger is told its first fault only: to look at all of it, and to name it, costs more than to send it. */
const MAX_NODES = 1_000;
const MAX_CHARACTERS = 100_000;

function isSmall(value: unknown): boolean {
  const pending = [value];
  let [parts, letters] = [0, 0];
  while (pending.length > 0) {
    const part = pending.pop();
    parts += 1;
    if (typeof part === 'string') letters += part.length;
    if (parts + pending.length > MAX_NODES || letters > MAX_CHARACTERS) return false;
    if (typeof part !== 'object' || part === null) continue;
    const names = Array.isArray(part) ? [] : Object.keys(part);
    const values: unknown[] = Array.isArray(part) ? part : Object.values(part);
    letters += names.reduce((sum, name) => sum + name.length, 0);
    if (values.length > MAX_NODES) return false;
    for (const value of values) pending.push(value);
  }
  return true;
}

interface Validator<Value = unknown> {
  (value: unknown): value is Value;
  errors?: ErrorObject[] | null;
}

/** Says every fault of what is small. */
function compileValidator<Value>(schema: TSchema, quick: Ajv): Validator<Value> {
  const isValid = quick.compile<Value>(schema);
  let explain: ValidateFunction | undefined;
  const validate: Validator<Value> = (value): value is Value => {
    if (isValid(value)) return true;
    explain ??= all.compile(schema);
    validate.errors = (isSmall(value) && !explain(value) ? explain.errors : isValid.errors) ?? null;
    return false;
  };
  return validate;
}

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

/** Reads the texts of an address as the types that the schema names, where they are written as JSON writes those. */
function readTexts(types: ReadonlyMap<string, unknown>, texts: unknown): void {
  if (typeof texts !== 'object' || texts === null) return;
  const record: Record<string, unknown> = Object(texts);
  for (const [name, type] of types) {
    const text = record[name];
    if (typeof text !== 'string') continue;
    if ((type === 'integer' || type === 'number') && NUMBER.test(text)) record[name] = Number(text);
    if (type === 'boolean' && (text === 'true' || text === 'false')) record[name] = text === 'true';
  }
}

const fieldsOf = (schema: TSchema): [string, { type?: unknown; format?: unknown }][] =>
  'properties' in schema ? Object.entries(Object(schema.properties)) : [];

const fieldsWithFormat = (schema: TSchema, wanted: string): string[] =>
  fieldsOf(schema).flatMap(([name, { format }]) => (format === wanted ? [name] : []));

const typesOf = (schema: TSchema): Map<string, unknown> =>
  new Map(fieldsOf(schema).map(([name, { type }]) => [name, type]));

const RANGE_FAULT: ErrorObject = {
  instancePath: '/to',
  schemaPath: '#/range',
  keyword: 'range',
  params: {},
  message: 'must not be before from',
};

/** Whatever takes `from` and `to` takes a range: it does not end before it begins. No route has to remember that. */
function withRange(schema: TSchema, validate: Validator): Validator {
  const instants = fieldsWithFormat(schema, 'date-time');
  if (!instants.includes('from') || !instants.includes('to')) return validate;
  const checked: Validator = (value): value is unknown => {
    const isValid = validate(value);
    checked.errors = validate.errors ?? null;
    if (!isValid) return false;
    const { from, to } = Object(value);
    if (from === undefined || to === undefined) return true;
    if (Temporal.Instant.compare(from, to) <= 0) return true;
    checked.errors = [RANGE_FAULT];
    return false;
  };
  return checked;
}

/** Writes time zones as IANA does, whatever their case: `europe/lisbon` is `Europe/Lisbon`, kept and compared as one. */
function withZoneNames(schema: TSchema, validate: Validator): Validator {
  const zones = fieldsWithFormat(schema, 'time-zone');
  if (zones.length === 0) return validate;
  const checked: Validator = (value): value is unknown => {
    const isValid = validate(value);
    checked.errors = validate.errors ?? null;
    const fields: Record<string, unknown> = Object(value);
    for (const name of isValid ? zones : []) {
      const zone = fields[name];
      if (typeof zone === 'string') fields[name] = new Temporal.ZonedDateTime(0n, zone).timeZoneId;
    }
    return isValid;
  };
  return checked;
}

export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  if (httpPart === 'body') return withZoneNames(schema, withRange(schema, compileValidator(schema, first)));
  const types = typesOf(schema);
  const validate = withRange(schema, compileValidator(schema, firstWithDefaults));
  const read: Validator = (texts): texts is unknown => {
    readTexts(types, texts);
    const isValid = validate(texts);
    read.errors = validate.errors ?? null;
    return isValid;
  };
  return read;
};

/**
 * Reads what another part answered: the value, known to be as the schema says.
 * @throws Error when it is not
 */
export function createParser<Schema extends TSchema>(schema: Schema): (value: unknown) => Static<Schema> {
  const validate = first.compile<Static<Schema>>(schema);
  return (value) => {
    if (validate(value)) return value;
    throw new Error(`not a ${'title' in schema ? schema.title : 'value of the schema'}`);
  };
}

/** Checks a file or a message as it is: every fault (of what is large, the first), or the value, known to be as the schema says. */
export function createValidator<Schema extends TSchema>(
  schema: Schema,
): (value: unknown) => { value: Static<Schema> } | { faults: Fault[] } {
  const validate = compileValidator<Static<Schema>>(schema, first);
  return (value) => (validate(value) ? { value } : { faults: (validate.errors ?? []).map(faultOf) });
}

/** A validator that reads text as the type its schema names, for configuration. It changes what it is given. */
export const compileTextValidator = (schema: TSchema): ValidateFunction => settings.compile(schema);

const escapePointer = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

/** Where a fault is (RFC 6901) and what is wrong, in words. Never the value. */
export function faultOf(error: Pick<ErrorObject, 'instancePath' | 'keyword' | 'params' | 'message'>): Fault {
  const { missingProperty, additionalProperty, format, allowedValues, pattern } = error.params;
  if (error.keyword === 'required') {
    return { pointer: `${error.instancePath}/${escapePointer(String(missingProperty))}`, message: 'is needed' };
  }
  if (error.keyword === 'additionalProperties') {
    return {
      pointer: `${error.instancePath}/${escapePointer(String(additionalProperty))}`,
      message: 'is not known here',
    };
  }
  if (error.keyword === 'format' && format === 'phone') {
    return { pointer: error.instancePath, message: 'must be a phone with its country, as +1 555 123 4567' };
  }
  if (error.keyword === 'format') return { pointer: error.instancePath, message: `must be a valid ${format}` };
  if (error.keyword === 'enum' && Array.isArray(allowedValues)) {
    return { pointer: error.instancePath, message: `must be one of ${allowedValues.join(', ')}` };
  }
  if (pattern === BIRTH_DATE) return { pointer: error.instancePath, message: 'must not be before 1850-01-01' };
  if (pattern === VISIBLE_TEXT || pattern === FREE_TEXT) {
    return { pointer: error.instancePath, message: 'must say something, without control characters' };
  }
  return { pointer: error.instancePath, message: error.message ?? 'is not valid' };
}
