/**
 * Defines the common responses of Eureka's operations. Errors have no body, and pages of other sites cannot change
 * anything.
 */
import { problems } from '@daybook/contracts';
import { type App, refusalOf } from '@daybook/service';
import type { FastifyRequest } from 'fastify';

export function addEurekaResponses(app: App): void {
  // No problem documents here. A 404 with a body once kept clients from registering again (spring-cloud-netflix#4145).
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

/** Returns whether a page of another site sent the request. A browser sends its origin, but Eureka's clients do not. */
function comesFromAnotherSite({ headers }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  return headers.origin !== undefined && URL.parse(headers.origin)?.host !== headers.host;
}
