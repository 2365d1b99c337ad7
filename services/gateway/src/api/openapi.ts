/** Serves `/openapi.json`: the API of all services, merged from the documents of the services. */
import { Refusal } from '@daybook/contracts';
import type { Balancer, Discovery, ServiceClient } from '@daybook/discovery';
import type { App, Logger } from '@daybook/service';
import { serviceUnavailable } from '../proxy/errors.ts';
import { mergeOpenApi, OpenApiConflict } from './openapi-merge.ts';
import { createServiceClients } from './service-clients.ts';

const DEADLINE_MILLIS = 2_000;
const CACHE_MILLIS = 5_000;

export interface OpenApiDependencies {
  services: () => readonly string[];
  discovery: Discovery;
  balancer: Balancer;
  logger: Logger;
}

export function addOpenApiDocument(app: App, { services, discovery, balancer, logger }: OpenApiDependencies): void {
  const clients = createServiceClients({ discovery, balancer, logger, deadlineMillis: DEADLINE_MILLIS });
  app.addHook('onClose', () => clients.close());

  async function build(): Promise<string> {
    const documents = await Promise.all(
      clients.of(services()).map(async ({ service, client }) => [service, await documentOf(service, client)] as const),
    );
    try {
      return JSON.stringify(mergeOpenApi(new Map(documents)));
    } catch (error) {
      if (!(error instanceof OpenApiConflict)) throw error;
      logger.error({ reason: error.message }, 'API documents not merged');
      throw new Refusal('service-unavailable', 'The API document is not available.', { retryAfterSeconds: 1 });
    }
  }

  const document = cachedFor(CACHE_MILLIS, build);
  app.get('/openapi.json', async (_request, reply) => reply.type('application/json').send(await document()));
}

async function documentOf(service: string, client: ServiceClient): Promise<unknown> {
  const { status, body } = await client.get('/openapi.json');
  if (status !== 200) throw serviceUnavailable({ service });
  return body;
}

/** Caches one result for a while; concurrent callers share one computation. A failure is not cached. */
function cachedFor<Result>(millis: number, make: () => Promise<Result>): () => Promise<Result> {
  let cached: { readonly result: Promise<Result>; readonly until: number } | undefined;
  return () => {
    if (cached && performance.now() < cached.until) return cached.result;
    const pending = { result: make(), until: performance.now() + millis };
    cached = pending;
    pending.result.catch(() => {
      if (cached === pending) cached = undefined;
    });
    return pending.result;
  };
}
