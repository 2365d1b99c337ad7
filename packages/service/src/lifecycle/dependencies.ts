/** Waits for dependencies at the start, as long as needed, and logs once. */
import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMillis } from '@daybook/async';
import { DatabaseUnavailable, DatabaseUnusable } from '@daybook/database';
import { type HealthCheck, runCheck } from '../observability/health.ts';
import type { Logger } from '../observability/logger.ts';
import { EXIT } from './exit-codes.ts';
import { StartFailure } from './start-failure.ts';

const RETRY = { firstMillis: 10, longestMillis: 500, leastShare: 1 };
/** Shorter waits are not logged, because processes that start together become ready one after the other. */
const LOG_AFTER_MILLIS = 2_000;

/** A dependency of a service. */
export interface Dependency {
  readonly check: HealthCheck;
  /** How long to wait; forever by default. */
  readonly patienceMillis?: number;
}

/** Returns the failure if waiting cannot resolve it. */
function permanentFailure(error: unknown): StartFailure | undefined {
  if (error instanceof StartFailure) return error;
  if (error instanceof DatabaseUnusable) return new StartFailure(EXIT.unavailable, error.message, { cause: error });
  return undefined;
}

/** Returns only the code of a database error, because its text can quote stored data. */
function reasonOf(error: unknown): string {
  const origin = error instanceof DatabaseUnavailable ? error.cause : error;
  if (!(origin instanceof Error)) return typeof origin;
  return 'code' in origin && typeof origin.code === 'string' ? origin.code : origin.message;
}

/**
 * Resolves when the dependency works, or after `patienceMillis`.
 * @throws StartFailure when it can never work; the signal's reason when that comes first
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
  for (let failures = 1; ; failures += 1) {
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
    await sleep(backoffMillis(failures, RETRY), undefined, { signal });
  }
  if (logged) logger.info({ dependency: name }, 'dependency ready');
}
