/**
 * One pair of validators for all services of a process: bodies are taken as they are, query parameters (which are all
 * text) are read as the type their schema names. Every fault is reported, unknown fields are refused by the schemas.
 */
import { type Fault, FREE_TEXT, VISIBLE_TEXT } from '@daybook/contracts';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { fullFormats } from 'ajv-formats/dist/formats.js';
import type { FastifySchemaCompiler } from 'fastify';
import type { Static, TSchema } from 'typebox';
import { isHostName, isHttpUrlList, isInstant, isLanguageTag, isPlainDate, isTimeZone } from './formats.ts';

const formats = {
  'date-time': isInstant,
  date: isPlainDate,
  'time-zone': isTimeZone,
  'language-tag': isLanguageTag,
  'http-url-list': isHttpUrlList,
  'host-name': isHostName,
  email: fullFormats.email,
  uuid: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i,
};
const common = { allErrors: true, formats, strict: false, removeAdditional: false } as const;
const bodies = new Ajv({ ...common, coerceTypes: false, useDefaults: false });
const texts = new Ajv({ ...common, coerceTypes: true, useDefaults: true });

export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) =>
  (httpPart === 'body' ? bodies : texts).compile(schema);

/**
 * Reads what another part answered: the value, known to be as the schema says.
 * @throws Error when it is not
 */
export function readerOf<Schema extends TSchema>(schema: Schema): (value: unknown) => Static<Schema> {
  const validate = bodies.compile<Static<Schema>>(schema);
  return (value) => {
    if (validate(value)) return value;
    throw new Error(`not a ${'title' in schema ? schema.title : 'value of the schema'}`);
  };
}

/** Checks a file or a message as it is: every fault, or the value, known to be as the schema says. */
export function checkerOf<Schema extends TSchema>(
  schema: Schema,
): (value: unknown) => { value: Static<Schema> } | { faults: Fault[] } {
  const validate = bodies.compile<Static<Schema>>(schema);
  return (value) => (validate(value) ? { value } : { faults: (validate.errors ?? []).map(faultOf) });
}

/** A validator that reads text as the type its schema names, for configuration. It changes what it is given. */
export const compileTextValidator = (schema: TSchema): ValidateFunction => texts.compile(schema);

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
  if (error.keyword === 'format') return { pointer: error.instancePath, message: `must be a valid ${format}` };
  if (error.keyword === 'enum' && Array.isArray(allowedValues)) {
    return { pointer: error.instancePath, message: `must be one of ${allowedValues.join(', ')}` };
  }
  if (pattern === VISIBLE_TEXT || pattern === FREE_TEXT) {
    return { pointer: error.instancePath, message: 'must say something, without control characters' };
  }
  return { pointer: error.instancePath, message: error.message ?? 'is not valid' };
}
