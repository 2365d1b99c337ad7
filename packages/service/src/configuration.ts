import type { Static, TObject } from 'typebox';
import { EXIT, StartFailure } from './start-failure.ts';
import { compileTextValidator, faultOf } from './validation.ts';

/** The variables of a process, as `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the variables that a schema names. An empty variable counts as not set.
 * @throws StartFailure 78 naming every wrong variable at once, and no value (it may be a secret)
 */
export function readConfiguration<Schema extends TObject>(schema: Schema, environment: Environment): Static<Schema> {
  const settings: Record<string, unknown> = {};
  for (const name of Object.keys(schema.properties)) {
    const value = environment[name];
    if (value !== undefined && value !== '') settings[name] = value;
  }
  const validate = compileTextValidator(schema);
  if (validate(settings)) return settings as Static<Schema>;
  const faults = (validate.errors ?? []).map(faultOf).map(({ pointer, message }) => `${pointer.slice(1)} ${message}`);
  throw new StartFailure(EXIT.configuration, `Wrong configuration: ${faults.join('; ')}.`);
}
