/** The roles that an operation is for. */
import { type Role, rolesFor } from '@daybook/contracts';
import type { FastifyRequest } from 'fastify';
import { operationOf } from '../access/access-control.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The roles that may make a request, where parts of the operation are for fewer roles than the access table names. */
    roles?: (request: Pick<FastifyRequest, 'body'>) => readonly Role[];
  }
}

/**
 * Returns the roles that a request is for: those of the access table, or fewer where its route says so. Outside of the
 * API only the route says it.
 */
export function rolesOf(request: FastifyRequest): readonly Role[] {
  const operation = operationOf(request);
  const forRequest = request.routeOptions.config.roles?.(request);
  if (operation === undefined) return forRequest ?? [];
  return rolesFor(operation).filter((role) => forRequest?.includes(role) ?? true);
}
