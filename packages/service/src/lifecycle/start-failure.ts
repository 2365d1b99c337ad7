/** The reason why a process cannot start, as one line for people. The process ends with `exitCode`. */
export class StartFailure extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StartFailure';
    this.exitCode = exitCode;
  }
}
