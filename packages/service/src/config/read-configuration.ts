import { readFileSync } from 'node:fs';
import type { Static, TObject } from 'typebox';
import { EXIT } from '../lifecycle/exit-codes.ts';
import { StartFailure } from '../lifecycle/start-failure.ts';
import { compileTextValidator, faultOf } from '../validation/validation.ts';

/** The variables of a process, as `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Variables that do not match their schemas. The message shows no values, because they may be secrets. */
export class InvalidConfiguration extends StartFailure {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(EXIT.configuration, `Wrong configuration: ${faults.join('; ')}.`);
    this.name = 'InvalidConfiguration';
    this.faults = faults;
  }
}

const isSet = (value: string | undefined): value is string => value !== undefined && value !== '';

const fileVariable = (name: string): string => `${name}_FILE`;

/** Returns whether a variable is set, directly or by a file. */
export const isGiven = (environment: Environment, name: string): boolean =>
  isSet(environment[name]) || isSet(environment[fileVariable(name)]);

/**
 * Returns `NAME`, or the contents of the file that `NAME_FILE` names. A secret in a file does not appear in process
 * lists or container descriptions.
 * @throws InvalidConfiguration
 */
function textOf(name: string, environment: Environment): string | undefined {
  const value = environment[name];
  const file = environment[fileVariable(name)];
  if (!isSet(file)) return value;
  if (isSet(value)) throw new InvalidConfiguration([`${name} and ${fileVariable(name)} are both set`]);
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${error.code})` : '';
    throw new InvalidConfiguration([`${fileVariable(name)} names a file that cannot be read${code}`]);
  }
}

/**
 * Reads the variables of a schema, each from the environment or a file. An empty variable counts as unset.
 * @throws InvalidConfiguration naming all invalid variables together
 */
export function readConfiguration<Schema extends TObject>(schema: Schema, environment: Environment): Static<Schema> {
  const settings: Record<string, unknown> = {};
  const faults: string[] = [];
  for (const name of Object.keys(schema.properties)) {
    try {
      const text = textOf(name, environment);
      if (isSet(text)) settings[name] = text;
    } catch (error) {
      if (!(error instanceof InvalidConfiguration)) throw error;
      faults.push(...error.faults);
    }
  }
  const validate = compileTextValidator(schema);
  if (validate(settings) && faults.length === 0) return settings as Static<Schema>;
  const invalid = (validate.errors ?? []).map(faultOf).map(({ pointer, message }) => `${pointer.slice(1)} ${message}`);
  throw new InvalidConfiguration([...faults, ...invalid]);
}

/**
 * Reads several configurations.
 * @throws InvalidConfiguration naming all invalid variables together
 */
export function checkConfigurations(readers: readonly (() => unknown)[]): void {
  const faults = new Set<string>();
  for (const read of readers) {
    try {
      read();
    } catch (error) {
      if (!(error instanceof InvalidConfiguration)) throw error;
      for (const fault of error.faults) faults.add(fault);
    }
  }
  if (faults.size > 0) throw new InvalidConfiguration([...faults]);
}
