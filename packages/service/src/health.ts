import { Health, Info, instantText } from '@daybook/contracts';
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

/** One of the parts by which an application is judged. */
export interface ReadinessPart {
  readonly check: HealthCheck;
  /** What it is where it does not work. */
  readonly otherwise: Exclude<Status, 'UP'>;
}

const partsOfApps = new WeakMap<object, Map<string, ReadinessPart>>();

/** What `/health/ready` asks, by name. A service that starts adds what it waits for. */
export function readinessPartsOf(app: App): Map<string, ReadinessPart> {
  const parts = partsOfApps.get(app.server);
  if (!parts) throw new Error('This application has no health.');
  return parts;
}

/** Asks a part. @throws what the part says; an error of ours when it does not answer in time */
export const ask = (check: HealthCheck): Promise<void> => within(check(), CHECK_DEADLINE_MILLIS);

async function statusOf({ check, otherwise }: ReadinessPart): Promise<Status> {
  try {
    await ask(check);
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
  const parts = new Map<string, ReadinessPart>([
    ...Object.entries(checks).map(([part, check]) => [part, { check, otherwise: 'DOWN' }] as const),
    ...Object.entries(tolerated).map(([part, check]) => [part, { check, otherwise: 'DEGRADED' }] as const),
  ]);
  partsOfApps.set(app.server, parts);
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
        [...parts].map(async ([name, part]) => [name, { status: await statusOf(part) }] as const),
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
