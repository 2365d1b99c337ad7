import { type Logger, pino } from 'pino';
import { PinoPretty } from 'pino-pretty';

export type { Logger } from 'pino';

/**
 * What a log may say of a failure: its kind and where it happened. The text of a database's error can quote a row, so
 * it stays out; the first line of a stack is that same text.
 */
function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error };
  const quotesData = 'errcode' in error || 'sqlState' in error || error instanceof SyntaxError;
  const frames = error.stack?.split('\n').filter((line) => line.trimStart().startsWith('at ')) ?? [];
  return {
    type: error.name,
    ...('code' in error && { code: error.code }),
    ...(!quotesData && { message: error.message }),
    ...(error.cause !== undefined && { cause: describeError(error.cause) }),
    stack: frames.join('\n'),
  };
}

export interface LoggerOptions {
  level: string;
  /** For a person at a terminal instead of JSON. */
  pretty: boolean;
}

/** JSON lines on standard output; a line a person can read when `pretty`. */
export function createLogger({ level, pretty }: LoggerOptions): Logger {
  const options = { level, base: null, serializers: { err: describeError } };
  if (!pretty) return pino(options);
  return pino(options, PinoPretty({ sync: true, ignore: 'pid,hostname,traceId,requestId', translateTime: 'HH:MM:ss' }));
}
