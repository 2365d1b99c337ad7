/** The roles that each operation declares. */
import type { Role } from '@daybook/contracts';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** The roles that may do what a request asks for. A function decides by the request, for operations of which a part is for fewer. */
export type AllowedRoles = readonly Role[] | ((request: Pick<FastifyRequest, 'body'>) => readonly Role[]);

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The callers that this operation is for. */
    roles?: AllowedRoles;
  }
}

const API = '/api/';

/** Makes the start fail at an operation of the API that creates something and declares no roles. */
export function requireRoles(app: FastifyInstance): void {
  app.addHook('onRoute', ({ method, url, config }) => {
    if (![method].flat().includes('POST') || !url.startsWith(API) || config?.roles !== undefined) return;
    throw new Error(`POST ${url} declares no roles. Name those that it is for in the config of the route.`);
  });
}

/**
 * Returns the roles that the route of a request declares.
 * @throws Error when it declares none
 */
export function rolesOf(request: FastifyRequest): readonly Role[] {
  const { config, method, url } = request.routeOptions;
  const { roles } = config;
  if (roles === undefined) throw new Error(`${method} ${url} declares no roles.`);
  return typeof roles === 'function' ? roles(request) : roles;
}
