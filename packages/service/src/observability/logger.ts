import { type LogFn, type Logger, type LoggerOptions as PinoOptions, pino } from 'pino';
import { PinoPretty, prettyFactory } from 'pino-pretty';

export type { Logger } from 'pino';

/**
 * Returns what a log may show of a failure: its kind and where it happened. The text is left out, with the first line
 * of the stack, which repeats it. Texts of databases can quote a row, and Fastify's an address with its query.
 */
function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error };
  const isFastifys = 'code' in error && String(error.code).startsWith('FST_');
  const quotesData = isFastifys || 'errcode' in error || 'sqlState' in error || error instanceof SyntaxError;
  const frames = error.stack?.split('\n').filter((line) => line.trimStart().startsWith('at ')) ?? [];
  return {
    type: error.name,
    ...('code' in error && { code: error.code }),
    ...(!quotesData && { message: error.message }),
    ...(error.cause !== undefined && { cause: describeError(error.cause) }),
    stack: frames.join('\n'),
  };
}

/** Replaces Pino's default message, which is the error's own text, past the serializer. */
function logWithMessage(this: Logger, args: Parameters<LogFn>, log: LogFn): void {
  const [first, message]: readonly unknown[] = args;
  const isError = first instanceof Error || (typeof first === 'object' && first !== null && 'err' in first);
  if (isError && message === undefined) log.call(this, first, 'unexpected error');
  else log.apply(this, args);
}

export interface LoggerOptions {
  level: string;
  /** Prints text for people at a terminal instead of JSON. */
  pretty: boolean;
  /** The destination of the lines; standard output by default. */
  destination?: NodeJS.WritableStream;
}

const FOR_PEOPLE = { ignore: 'pid,hostname,traceId,requestId', translateTime: 'HH:MM:ss' };

/** Formats a line of another process's log for people; returns any other line unchanged. */
export const prettyLine: (line: string) => string = prettyFactory({ ...FOR_PEOPLE, colorize: true });

/** Creates a logger with JSON lines on standard output, or readable lines when `pretty`. */
export function createLogger({ level, pretty, destination }: LoggerOptions): Logger {
  const hooks = { logMethod: logWithMessage };
  const options: PinoOptions = { level, base: null, serializers: { err: describeError }, hooks };
  if (!pretty) return pino(options, destination);
  return pino(options, PinoPretty({ ...FOR_PEOPLE, sync: true, ...(destination && { destination }) }));
}
