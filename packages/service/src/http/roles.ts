/** The roles that each operation declares. */
import type { Role } from '@daybook/contracts';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/**
 * The roles that may make a request. A function decides by the request, where parts of an operation are for fewer
 * roles.
 */
export type AllowedRoles = readonly Role[] | ((request: Pick<FastifyRequest, 'body'>) => readonly Role[]);

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The roles that may call this operation. */
    roles?: AllowedRoles;
  }
}

const API = '/api/';

/** Fails the start if an operation of the API that creates something declares no roles. */
export function requireRoles(app: FastifyInstance): void {
  app.addHook('onRoute', ({ method, url, config }) => {
    if (![method].flat().includes('POST') || !url.startsWith(API) || config?.roles !== undefined) return;
    throw new Error(`POST ${url} declares no roles. Name them in the config of the route.`);
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
