import type { BaseLogger } from 'pino';

/** The part of a pino logger that this package writes to. */
export type Log = Pick<BaseLogger, 'debug' | 'info' | 'warn'>;

/** Returns what a log may show of an external failure: its code or its kind. A message can quote sent data. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
