/** Authenticates everything that changes the list, by HTTP basic authentication. Reads are open. */
import type { App } from '@daybook/service';
import type { FastifyRequest } from 'fastify';
import type { Access, Write } from '../access.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a route writes. Undefined for a route that only reads. */
    writes?: Write;
  }
  interface FastifyRequest {
    /** The user of the registry, of a request that writes. */
    registryUser: string;
  }
}

/** In the format of RFC 7617. */
const CHALLENGE = 'Basic realm="registry", charset="UTF-8"';

const appIn = ({ params }: FastifyRequest): string | undefined =>
  typeof params === 'object' && params !== null && 'app' in params && typeof params.app === 'string'
    ? params.app
    : undefined;

/** Rejects unauthorized writes before the body is read. A writing route without `writes` rejects every user. */
export function addAccess(app: App, access: Access): void {
  app.decorateRequest('registryUser', '');
  app.addHook('onRequest', async (request, reply) => {
    if (request.method === 'GET' || request.method === 'HEAD') return;
    const user = access.identify(request.headers.authorization);
    if (user === undefined) return reply.code(401).header('www-authenticate', CHALLENGE).send();
    // An unknown path returns 404 to every user.
    if (request.is404) return;
    const { writes } = request.routeOptions.config;
    if (writes === undefined || !access.mayWrite(user, writes, appIn(request))) {
      request.log.warn({ user, app: appIn(request) }, 'write rejected: another user has this application');
      return reply.code(403).send();
    }
    request.registryUser = user;
  });
}
