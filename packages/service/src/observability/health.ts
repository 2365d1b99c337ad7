import { withDeadline } from '@daybook/async';
import { Health, Info, instantText } from '@daybook/contracts';
import type { App } from '../http/app-type.ts';

/** Of a part of this service: resolves when it works, rejects when it does not. */
export type HealthCheck = () => Promise<void>;

const CHECK_DEADLINE_MILLIS = 1000;

type Status = 'UP' | 'DOWN' | 'DEGRADED';

/** One of the parts by which an application is judged. */
export interface ReadinessIndicator {
  readonly check: HealthCheck;
  /** What it is where it does not work. */
  readonly statusOnFailure: Exclude<Status, 'UP'>;
}

const indicatorsByServer = new WeakMap<object, Map<string, ReadinessIndicator>>();

/** What `/health/ready` asks, by name. A service that starts adds what it waits for. */
export function readinessIndicatorsOf(app: App): Map<string, ReadinessIndicator> {
  const indicators = indicatorsByServer.get(app.server);
  if (!indicators) throw new Error('This application has no health.');
  return indicators;
}

/** Asks a part. @throws what the part says; an error of ours when it does not answer in time */
export const runCheck = (check: HealthCheck): Promise<void> =>
  withDeadline(check(), CHECK_DEADLINE_MILLIS, 'health check');

async function statusOf({ check, statusOnFailure }: ReadinessIndicator): Promise<Status> {
  try {
    await runCheck(check);
    return 'UP';
  } catch {
    // What is wrong is the part's own log's business; health tells the whole world only that it is.
    return statusOnFailure;
  }
}

/** `/health/live`, `/health/ready` and `/info`, as Spring Boot's. */
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
