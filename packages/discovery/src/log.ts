import type { BaseLogger } from 'pino';

/** The part of a pino logger that this package writes to. */
export type Log = Pick<BaseLogger, 'debug' | 'info' | 'warn'>;

/** What a log may say of a failure from outside: its code or its kind. A message can quote what was sent. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
