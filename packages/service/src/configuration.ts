import type { Static, TObject } from 'typebox';
import { EXIT, StartFailure } from './start-failure.ts';
import { compileTextValidator, faultOf } from './validation.ts';

/** The variables of a process, as `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Variables that are not as their schemas say. No value is named: it may be a secret. */
export class WrongConfiguration extends StartFailure {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(EXIT.configuration, `Wrong configuration: ${faults.join('; ')}.`);
    this.name = 'WrongConfiguration';
    this.faults = faults;
  }
}

/**
 * Reads the variables that a schema names. An empty variable counts as not set.
 * @throws WrongConfiguration naming every wrong variable at once
 */
export function readConfiguration<Schema extends TObject>(schema: Schema, environment: Environment): Static<Schema> {
  const settings: Record<string, unknown> = {};
  for (const name of Object.keys(schema.properties)) {
    const value = environment[name];
    if (value !== undefined && value !== '') settings[name] = value;
  }
  const validate = compileTextValidator(schema);
  if (validate(settings)) return settings as Static<Schema>;
  throw new WrongConfiguration(
    (validate.errors ?? []).map(faultOf).map(({ pointer, message }) => `${pointer.slice(1)} ${message}`),
  );
}

/** Reads several configurations. @throws WrongConfiguration naming every wrong variable of all of them at once */
export function checkConfigurations(readers: readonly (() => unknown)[]): void {
  const faults = new Set<string>();
  for (const read of readers) {
    try {
      read();
    } catch (error) {
      if (!(error instanceof WrongConfiguration)) throw error;
      for (const fault of error.faults) faults.add(fault);
    }
  }
  if (faults.size > 0) throw new WrongConfiguration([...faults]);
}
