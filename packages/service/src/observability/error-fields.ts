import { Refusal } from '@daybook/contracts';
import { DatabaseUnavailable } from '@daybook/database';

/** Returns the log fields of an error: only the reason when a dependency is not ready, otherwise the whole error. */
export function errorFields(error: unknown): Record<string, unknown> {
  if (error instanceof Refusal) return { reason: error.message };
  if (!(error instanceof DatabaseUnavailable)) return { err: error };
  return { reason: error.message, ...(error.reason !== undefined && { code: error.reason }) };
}
