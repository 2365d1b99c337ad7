import { Health, Info } from '@daybook/contracts';
import type { App } from './app.ts';

/** Of a part of this service: resolves when it works, rejects when it does not. */
export type HealthCheck = () => Promise<void>;

const CHECK_DEADLINE_MILLIS = 1000;

async function within<Result>(work: Promise<Result>, millis: number): Promise<Result> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`not within ${millis} ms`)), millis);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

type Status = 'UP' | 'DOWN' | 'DEGRADED';

async function statusOf(check: HealthCheck, otherwise: Status): Promise<Status> {
  try {
    await within(check(), CHECK_DEADLINE_MILLIS);
    return 'UP';
  } catch {
    // What is wrong is the part's own log's business; health tells the whole world only that it is.
    return otherwise;
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
  const all = [
    ...Object.entries(checks).map(([part, check]) => ({ part, check, otherwise: 'DOWN' as const })),
    ...Object.entries(tolerated).map(([part, check]) => ({ part, check, otherwise: 'DEGRADED' as const })),
  ];
  const startedAt = Temporal.Now.instant().toString({ smallestUnit: 'second' });
  app.get('/health/live', { schema: { hide: true, response: { 200: Health } } }, async () => ({
    status: 'UP' as const,
    components: {},
  }));
  app.get(
    '/health/ready',
    { schema: { hide: true, response: { 200: Health, 503: Health } } },
    async (_request, reply) => {
      const statuses = await Promise.all(
        all.map(async ({ part, check, otherwise }) => [part, { status: await statusOf(check, otherwise) }] as const),
      );
      const ready = statuses.every(([, { status }]) => status !== 'DOWN');
      return reply
        .code(ready ? 200 : 503)
        .send({ status: ready ? 'UP' : 'DOWN', components: Object.fromEntries(statuses) });
    },
  );
  app.get('/info', { schema: { hide: true, response: { 200: Info } } }, async () => ({
    name,
    version,
    node: process.version,
    startedAt,
  }));
}
