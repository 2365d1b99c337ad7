import { withDeadline } from '@daybook/async';
import { Health, Info, instantText } from '@daybook/contracts';
import type { App } from '../http/app-type.ts';

/** Resolves when a dependency works and rejects when it does not. */
export type HealthCheck = () => Promise<void>;

const CHECK_DEADLINE_MILLIS = 1000;

type Status = 'UP' | 'DOWN' | 'DEGRADED';

/** One of the checks that decide readiness. */
export interface ReadinessIndicator {
  readonly check: HealthCheck;
  /** Its status when the check fails. */
  readonly statusOnFailure: Exclude<Status, 'UP'>;
}

const indicatorsByServer = new WeakMap<object, Map<string, ReadinessIndicator>>();

/** Returns the checks of `/health/ready`, by name. A starting service adds its dependencies. */
export function readinessIndicatorsOf(app: App): Map<string, ReadinessIndicator> {
  const indicators = indicatorsByServer.get(app.server);
  if (!indicators) throw new Error('This application has no health.');
  return indicators;
}

/**
 * Runs a check.
 * @throws the error of the check, or a timeout error
 */
export const runCheck = (check: HealthCheck): Promise<void> =>
  withDeadline(check(), CHECK_DEADLINE_MILLIS, 'health check');

async function statusOf({ check, statusOnFailure }: ReadinessIndicator): Promise<Status> {
  try {
    await runCheck(check);
    return 'UP';
  } catch {
    // The dependency logs the details; health is public and reports only the status.
    return statusOnFailure;
  }
}

/** Adds `/health/live`, `/health/ready` and `/info`, like Spring Boot's. */
export function addHealth(
  app: App,
  name: string,
  version: string,
  checks: Readonly<Record<string, HealthCheck>>,
  tolerated: Readonly<Record<string, HealthCheck>>,
): void {
  const indicators = new Map<string, ReadinessIndicator>([
    ...Object.entries(checks).map(([part, check]) => [part, { check, statusOnFailure: 'DOWN' }] as const),
    ...Object.entries(tolerated).map(([part, check]) => [part, { check, statusOnFailure: 'DEGRADED' }] as const),
  ]);
  indicatorsByServer.set(app.server, indicators);
  const startedAt = instantText(Temporal.Now.instant());
  app.get(
    '/health/live',
    { schema: { hide: true, response: { 200: Health } }, config: { operations: 'too' } },
    async () => ({
      status: 'UP' as const,
      components: {},
    }),
  );
  app.get(
    '/health/ready',
    { schema: { hide: true, response: { 200: Health, 503: Health } }, config: { operations: 'too' } },
    async (_request, reply) => {
      const statuses = await Promise.all(
        [...indicators].map(async ([name, part]) => [name, { status: await statusOf(part) }] as const),
      );
      const ready = statuses.every(([, { status }]) => status !== 'DOWN');
      return reply
        .code(ready ? 200 : 503)
        .send({ status: ready ? 'UP' : 'DOWN', components: Object.fromEntries(statuses) });
    },
  );
  app.get('/info', { schema: { hide: true, response: { 200: Info } }, config: { operations: 'only' } }, async () => ({
    name,
    version,
    node: process.version,
    startedAt,
  }));
}
