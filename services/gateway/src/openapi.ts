/** `/openapi.json`: the API of all services, as they describe it themselves. */
import { Refusal } from '@daybook/contracts';
import type { Balancer, Discovery, ServiceClient } from '@daybook/discovery';
import type { App, Logger } from '@daybook/service';
import { unavailable } from './failures.ts';
import { mergeOpenApi, OpenApiConflict } from './merge-openapi.ts';
import { createServiceClients } from './service-clients.ts';

const DEADLINE_MILLIS = 2_000;
const KEPT_MILLIS = 5_000;

export interface OpenApiParts {
  services: () => readonly string[];
  discovery: Discovery;
  balancer: Balancer;
  logger: Logger;
}

export function addOpenApiDocument(app: App, { services, discovery, balancer, logger }: OpenApiParts): void {
  const clients = createServiceClients({ discovery, balancer, logger, deadlineMillis: DEADLINE_MILLIS });
  app.addHook('onClose', () => clients.close());

  async function build(): Promise<string> {
    const parts = await Promise.all(
      clients.of(services()).map(async ({ service, client }) => [service, await documentOf(service, client)] as const),
    );
    try {
      return JSON.stringify(mergeOpenApi(new Map(parts)));
    } catch (error) {
      if (!(error instanceof OpenApiConflict)) throw error;
      logger.error({ reason: error.message }, 'the API documents of the services do not go together');
      throw new Refusal('part-unavailable', 'The API document is not available.', { retryAfterSeconds: 1 });
    }
  }

  const document = keptFor(KEPT_MILLIS, build);
  app.get('/openapi.json', async (_request, reply) => reply.type('application/json').send(await document()));
}

async function documentOf(service: string, client: ServiceClient): Promise<unknown> {
  const { status, body } = await client.get('/openapi.json');
  if (status !== 200) throw unavailable({ service });
  return body;
}

/** Keeps one result for a while, and lets those who ask at the same time wait for the same one. A failure is not kept. */
function keptFor<Result>(millis: number, make: () => Promise<Result>): () => Promise<Result> {
  let kept: { readonly result: Promise<Result>; readonly until: number } | undefined;
  return () => {
    if (kept && performance.now() < kept.until) return kept.result;
    const making = { result: make(), until: performance.now() + millis };
    kept = making;
    making.result.catch(() => {
      if (kept === making) kept = undefined;
    });
    return making.result;
  };
}
