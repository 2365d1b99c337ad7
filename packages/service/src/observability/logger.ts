import { type LogFn, type Logger, type LoggerOptions as PinoOptions, pino } from 'pino';
import { PinoPretty, prettyFactory } from 'pino-pretty';

export type { Logger } from 'pino';

/**
 * What a log may say of a failure: its kind and where it happened. The text of a database's error can quote a row, that
 * of Fastify's an address with its query, so it stays out; the first line of a stack is that same text.
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

/** Where no message is given, Pino takes the error's own, past the serializer. */
function logWithMessage(this: Logger, args: Parameters<LogFn>, log: LogFn): void {
  const [first, message]: readonly unknown[] = args;
  const isError = first instanceof Error || (typeof first === 'object' && first !== null && 'err' in first);
  if (isError && message === undefined) log.call(this, first, 'unexpected error');
  else log.apply(this, args);
}

export interface LoggerOptions {
  level: string;
  /** For a person at a terminal instead of JSON. */
  pretty: boolean;
  /** Where the lines go; standard output when left out. */
  destination?: NodeJS.WritableStream;
}

const FOR_PEOPLE = { ignore: 'pid,hostname,traceId,requestId', translateTime: 'HH:MM:ss' };

/** A line of another process's log as a person can read it; any other line as it is. */
export const prettyLine: (line: string) => string = prettyFactory({ ...FOR_PEOPLE, colorize: true });

/** JSON lines on standard output; a line a person can read when `pretty`. */
export function createLogger({ level, pretty, destination }: LoggerOptions): Logger {
  const hooks = { logMethod: logWithMessage };
  const options: PinoOptions = { level, base: null, serializers: { err: describeError }, hooks };
  if (!pretty) return pino(options, destination);
  return pino(options, PinoPretty({ ...FOR_PEOPLE, sync: true, ...(destination && { destination }) }));
}
