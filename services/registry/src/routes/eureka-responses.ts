/** What all of Eureka's operations answer alike: no body with an error, and no change for another site's page. */
import { problems } from '@daybook/contracts';
import { type App, refusalOf } from '@daybook/service';
import type { FastifyRequest } from 'fastify';

export function addEurekaResponses(app: App): void {
  // A 404 with a body once kept clients from registering again (spring-cloud-netflix#4145): no problem documents here.
  app.setErrorHandler((error, request, reply) => {
    const status = statusOf(error);
    if (status >= 500) request.log.error({ err: error }, 'unexpected error');
    return reply.code(status).send();
  });
  app.setNotFoundHandler((_request, reply) => reply.code(404).send());
  app.addHook('onRequest', async (request, reply) => {
    if (request.method !== 'GET' && comesFromAnotherSite(request)) await reply.code(403).send();
  });
}

function statusOf(error: unknown): number {
  const refusal = refusalOf(error);
  if (!refusal) return 500;
  return refusal.code === 'body-too-large' ? 400 : problems[refusal.code].status;
}

/** A browser says where its page is from; Eureka's clients say nothing of the kind. */
function comesFromAnotherSite({ headers }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  return headers.origin !== undefined && URL.parse(headers.origin)?.host !== headers.host;
}
