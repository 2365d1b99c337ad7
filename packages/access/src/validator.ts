/** Compiles schemas with Ajv, which each service has in its process already. */
import { Ajv, type ValidateFunction } from 'ajv';
import type { Static, TSchema } from 'typebox';

const ajv = new Ajv({ strict: false });

/** Returns a type guard for a schema. It is compiled at its first use, so that it costs nothing at the start. */
export function createValidator<Schema extends TSchema>(schema: Schema) {
  let validate: ValidateFunction<Static<Schema>> | undefined;
  return (value: unknown): value is Static<Schema> => {
    validate ??= ajv.compile<Static<Schema>>(schema);
    return validate(value);
  };
}
