/** Runs a command that prints one line. */
import { DatabaseUnavailable, DatabaseUnusable } from '@daybook/database';
import { InvalidConfiguration } from '../config/read-configuration.ts';
import { EXIT } from './exit-codes.ts';
import { StartFailure } from './start-failure.ts';

function failureOf(error: unknown): { message: string; exitCode: number } | undefined {
  if (error instanceof StartFailure) return error;
  if (error instanceof InvalidConfiguration) return { message: error.message, exitCode: EXIT.configuration };
  if (error instanceof DatabaseUnavailable || error instanceof DatabaseUnusable)
    return { message: error.message, exitCode: EXIT.unavailable };
  return undefined;
}

/** Prints what the command returns for the arguments of the process, or why it cannot. */
export async function runCommand(command: (argv: readonly string[]) => Promise<string>): Promise<void> {
  try {
    process.stdout.write(`${await command(process.argv.slice(2))}\n`);
  } catch (error) {
    const failure = failureOf(error);
    if (!failure) throw error;
    process.stderr.write(`${failure.message}\n`);
    process.exitCode = failure.exitCode;
  }
}
