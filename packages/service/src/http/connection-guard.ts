/**
 * Contains unexpected failures in listeners of servers, connections, requests and responses. Node ends the process when
 * such a listener throws. With the guard the failure costs one connection and a log line.
 * `tools/repo-checks/src/listener-guards.ts` finds listeners without the guard.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from '../observability/logger.ts';

/** A socket, or anything else whose `destroy` closes the connection. */
export interface Closable {
  destroy(): unknown;
}

type FailureReporter = (failure: unknown) => void;

const reporters = new Set<FailureReporter>();

/** Calls back for each contained failure, until the returned function is called. */
export function onContainedFailure(reporter: FailureReporter): () => void {
  reporters.add(reporter);
  return () => void reporters.delete(reporter);
}

/** Logs each contained failure of this process: kind, code and place, but not the text, which can quote a request. */
export function logContainedFailures(logger: Pick<Logger, 'error'>): () => void {
  return onContainedFailure((failure) => logger.error(placeOf(failure), 'connection closed after an unexpected error'));
}

function placeOf(failure: unknown): Record<string, unknown> {
  if (!(failure instanceof Error)) return { type: typeof failure };
  const frames = failure.stack?.split('\n').filter((line) => line.trimStart().startsWith('at ')) ?? [];
  return { type: failure.name, ...('code' in failure && { code: failure.code }), stack: frames.join('\n') };
}

/** Reports an unexpected failure. Prints a warning without a log listener, so that no failure is silent. */
export function reportContained(failure: unknown): void {
  if (reporters.size === 0) process.emitWarning(failure instanceof Error ? failure : String(failure));
  for (const reporter of reporters) reporter(failure);
}

/** Closes the connection that a failure belongs to, and reports the failure. */
export function contain(connection: Closable, failure: unknown): void {
  connection.destroy();
  reportContained(failure);
}

/** Rejects, as a type, an async listener, because its failure would not be contained. */
type Immediate<Result> = Result & (Result extends PromiseLike<unknown> ? never : unknown);

/**
 * Returns a listener that cannot end the process. When it throws, it closes the connection, reports the failure and
 * returns `undefined`. `connection` may be a function of the arguments where one listener serves many connections.
 */
export function guarded<Args extends unknown[], Result>(
  connection: Closable | ((...args: NoInfer<Args>) => Closable),
  listener: (...args: Args) => Immediate<Result>,
): (...args: Args) => Result | undefined {
  return (...args) => {
    try {
      return listener(...args);
    } catch (failure) {
      contain(typeof connection === 'function' ? connection(...args) : connection, failure);
      return undefined;
    }
  };
}

/** Returns the connection of a request, for listeners whose first argument is one. */
export const socketOf = ({ socket }: IncomingMessage, ..._others: unknown[]): Socket => socket;

/**
 * Ignores `error` of a socket or stream, because `close` follows with the same information. Without a listener Node
 * would end the process.
 */
export function ignoreError(): void {}
