/** How a service waits for what it needs when it starts: as long as it takes, and saying so once. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseUnavailable, DatabaseUnusable } from '@daybook/database';
import { type HealthCheck, runCheck } from '../observability/health.ts';
import type { Logger } from '../observability/logger.ts';
import { EXIT, StartFailure } from './start-failure.ts';

const FIRST_PAUSE_MILLIS = 10;
const LONGEST_PAUSE_MILLIS = 500;
/** What starts together comes one after the other: that is worth no word. */
const LOG_AFTER_MILLIS = 2_000;

/** Something that a service waits for. */
export interface Dependency {
  readonly check: HealthCheck;
  /** How long it is waited for; for ever when left out. */
  readonly patienceMillis?: number;
}

/** Some failures do not pass by waiting. */
function permanentFailure(error: unknown): StartFailure | undefined {
  if (error instanceof StartFailure) return error;
  if (error instanceof DatabaseUnusable) return new StartFailure(EXIT.unavailable, error.message, { cause: error });
  return undefined;
}

/** Of a database's error no more than its code: its text can quote what is stored. */
function reasonOf(error: unknown): string {
  const origin = error instanceof DatabaseUnavailable ? error.cause : error;
  if (!(origin instanceof Error)) return typeof origin;
  return 'code' in origin && typeof origin.code === 'string' ? origin.code : origin.message;
}

/**
 * Resolves when the part works, or has been waited for long enough.
 * @throws StartFailure when it never will; the signal's reason when that comes first
 */
export async function waitForDependency(
  name: string,
  dependency: Dependency,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const began = performance.now();
  const { check, patienceMillis = Number.POSITIVE_INFINITY } = dependency;
  let logged = false;
  for (let pause = FIRST_PAUSE_MILLIS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MILLIS)) {
    signal.throwIfAborted();
    try {
      await runCheck(check);
      break;
    } catch (error) {
      const failure = permanentFailure(error);
      if (failure) throw failure;
      const waited = performance.now() - began;
      if (!logged && waited > LOG_AFTER_MILLIS) {
        logger.warn({ dependency: name, reason: reasonOf(error) }, 'dependency not ready');
        logged = true;
      }
      if (waited > patienceMillis) {
        logger.warn({ dependency: name }, 'dependency skipped');
        return;
      }
    }
    await sleep(pause, undefined, { signal });
  }
  if (logged) logger.info({ dependency: name }, 'dependency ready');
}
