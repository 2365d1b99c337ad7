/** The codes of sysexits(3) that Daybook uses. */
export const EXIT = { usage: 64, unavailable: 69, software: 70, configuration: 78 } as const;

/** The reason why a process cannot start, as one line for people. The process ends with `exitCode`. */
export class StartFailure extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StartFailure';
    this.exitCode = exitCode;
  }
}
