/** The reason of a failure, in one line for a person. The process exits with `exitCode`. */
export class ImportFailure extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ImportFailure';
    this.exitCode = exitCode;
  }
}
