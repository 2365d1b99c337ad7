/**
 * One pair of validators for all services of a process. Bodies are taken as they are. Query parameters, which are all
 * text, are converted to the types of their schema. Every fault is reported, and the schemas reject unknown fields.
 */
import { BIRTH_DATE, type Fault, FREE_TEXT, VISIBLE_TEXT } from '@daybook/contracts';
import { isRegistryUsers } from '@daybook/discovery';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { fullFormats } from 'ajv-formats/dist/formats.js';
import type { FastifySchemaCompiler } from 'fastify';
import type { Static, TSchema } from 'typebox';
import {
  isAccentColour,
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
  'accent-colour': isAccentColour,
  uuid: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i,
};
const common = { formats, strict: false, removeAdditional: false, coerceTypes: false } as const;
/** Finds the first fault. A list that is too long is rejected before its items are checked. */
const first = new Ajv({ ...common, useDefaults: false });
const all = new Ajv({ ...common, allErrors: true, useDefaults: false });
const firstWithDefaults = new Ajv({ ...common, useDefaults: true });
const settings = new Ajv({ ...common, allErrors: true, coerceTypes: true, useDefaults: true });

/** Larger values get their first fault only, because finding and naming all costs more than sending the value. */
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

/**
 * Returns a validator that reports every fault of small values. It is compiled at its first use, because the compilation
 * of all schemas took a fifth of the start.
 */
function compileValidator<Value>(schema: TSchema, quick: Ajv): Validator<Value> {
  let isValid: ValidateFunction<Value> | undefined;
  let explain: ValidateFunction | undefined;
  const validate: Validator<Value> = (value): value is Value => {
    isValid ??= quick.compile<Value>(schema);
    if (isValid(value)) return true;
    explain ??= all.compile(schema);
    validate.errors = (isSmall(value) && !explain(value) ? explain.errors : isValid.errors) ?? null;
    return false;
  };
  return validate;
}

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

/** Converts texts of a URL to the types of the schema, if they are written as in JSON. */
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

/** Compares the ends of a range, by the format of both. */
const comparisons: readonly (readonly [string, (from: string, to: string) => number])[] = [
  ['date-time', Temporal.Instant.compare],
  ['date', Temporal.PlainDate.compare],
];

/**
 * Adds a range check to every schema with `from` and `to`: the range must not end before it begins. Routes get it
 * automatically.
 */
function withRange(schema: TSchema, validate: Validator): Validator {
  const compare = comparisons.find(([format]) => {
    const fields = fieldsWithFormat(schema, format);
    return fields.includes('from') && fields.includes('to');
  })?.[1];
  if (!compare) return validate;
  const checked: Validator = (value): value is unknown => {
    const isValid = validate(value);
    checked.errors = validate.errors ?? null;
    if (!isValid) return false;
    const { from, to } = Object(value);
    if (from === undefined || to === undefined) return true;
    if (compare(from, to) <= 0) return true;
    checked.errors = [RANGE_FAULT];
    return false;
  };
  return checked;
}

/**
 * Normalizes time zones to IANA's spelling. `europe/lisbon` becomes `Europe/Lisbon`, so that both are stored and
 * compared as one.
 */
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
 * Returns a parser for another service's response: it returns the value, typed by the schema.
 * @throws Error when the value does not match
 */
export function createParser<Schema extends TSchema>(schema: Schema): (value: unknown) => Static<Schema> {
  let validate: ValidateFunction<Static<Schema>> | undefined;
  return (value) => {
    validate ??= first.compile<Static<Schema>>(schema);
    if (validate(value)) return value;
    throw new Error(`not a ${'title' in schema ? schema.title : 'value of the schema'}`);
  };
}

/**
 * Returns a validator for a file or a message, without conversion. It returns the typed value or every fault; for large
 * values only the first.
 */
export function createValidator<Schema extends TSchema>(
  schema: Schema,
): (value: unknown) => { value: Static<Schema> } | { faults: Fault[] } {
  const validate = compileValidator<Static<Schema>>(schema, first);
  return (value) => (validate(value) ? { value } : { faults: (validate.errors ?? []).map(faultOf) });
}

/** Compiles a validator for configuration that converts text to the types of its schema. It modifies its input. */
export const compileTextValidator = (schema: TSchema): ValidateFunction => settings.compile(schema);

const escapePointer = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

/** Returns the place of a fault (RFC 6901) and a description, without the value. */
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
  if (error.keyword === 'format' && format === 'accent-colour') {
    return { pointer: error.instancePath, message: 'must have a contrast of at least 4.5 against white' };
  }
  if (error.keyword === 'format') return { pointer: error.instancePath, message: `must be a valid ${format}` };
  if (error.keyword === 'enum' && Array.isArray(allowedValues)) {
    return { pointer: error.instancePath, message: `must be one of ${allowedValues.join(', ')}` };
  }
  if (pattern === BIRTH_DATE) return { pointer: error.instancePath, message: 'must not be before 1850-01-01' };
  if (pattern === VISIBLE_TEXT || pattern === FREE_TEXT) {
    return { pointer: error.instancePath, message: 'must contain text, without control characters' };
  }
  return { pointer: error.instancePath, message: error.message ?? 'is not valid' };
}
