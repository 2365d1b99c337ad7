/** sysexits(3), as far as Daybook uses it. */
export const EXIT = { usage: 64, unavailable: 69, software: 70, configuration: 78 } as const;

/** Why a process cannot start, in one line for a person. The process ends with `exitCode`. */
export class StartFailure extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StartFailure';
    this.exitCode = exitCode;
  }
}
