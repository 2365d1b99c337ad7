import { readFileSync } from 'node:fs';
import type { Static, TObject } from 'typebox';
import { EXIT, StartFailure } from '../lifecycle/start-failure.ts';
import { compileTextValidator, faultOf } from '../validation/validation.ts';

/** The variables of a process, as `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Variables that are not as their schemas say. No value is named: it may be a secret. */
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

/** Whether a variable is set, by itself or by a file. */
export const isGiven = (environment: Environment, name: string): boolean =>
  isSet(environment[name]) || isSet(environment[fileVariable(name)]);

/**
 * `NAME`, or what is in the file that `NAME_FILE` names: a secret in a file shows in no list of processes and no description
 * of a container. @throws InvalidConfiguration
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
 * Reads the variables that a schema names, each from the environment or from a file. An empty one counts as not set.
 * @throws InvalidConfiguration naming every wrong variable at once
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

/** Reads several configurations. @throws InvalidConfiguration naming every wrong variable of all of them at once */
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
