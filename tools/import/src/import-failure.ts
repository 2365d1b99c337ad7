/** sysexits(3), as far as the import uses it. */
export const EXIT = { usage: 64, data: 65, unavailable: 69, configuration: 78 } as const;

/** Why the import cannot go on, in one line for a person. The process ends with `exitCode`. */
export class ImportFailure extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ImportFailure';
    this.exitCode = exitCode;
  }
}
