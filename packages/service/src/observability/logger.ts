import { type DestinationStream, type LogFn, type Logger, type LoggerOptions as PinoOptions, pino } from 'pino';

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
  /** The destination of the JSON lines; standard output by default. */
  destination?: DestinationStream;
}

/** Creates a logger that writes JSON lines. */
export function createLogger({ level, destination }: LoggerOptions): Logger {
  const hooks = { logMethod: logWithMessage };
  const options: PinoOptions = { level, base: null, serializers: { err: describeError }, hooks };
  return pino(options, destination);
}

/** The format of the log: JSON for programs, or text for people. */
export type LogFormat = 'json' | 'pretty';

/** Returns a function that formats the JSON lines of a log. */
export const lineFormatterOf = async (format: LogFormat): Promise<(line: string) => string> =>
  format === 'pretty' ? (await import('./pretty-log.ts')).prettyLine : (line) => line;

/** Opens the log of a process on standard output. */
export async function openLog(level: string, format: LogFormat): Promise<Logger> {
  if (format === 'json') return createLogger({ level });
  const { prettyDestination } = await import('./pretty-log.ts');
  return createLogger({ level, destination: prettyDestination() });
}
