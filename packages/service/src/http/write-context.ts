/** Creates the context of a write from its request: trace, its precondition, and whether the caller still waits. */
import { storeNoResponse, type WriteContext } from '@daybook/database';
import type { FastifyRequest } from 'fastify';
import { preconditionOf } from './etag.ts';

/**
 * Returns whether the caller still waits. Fastify's `signal` ends with the request's body, long before the response.
 */
const isCallerWaiting = (request: FastifyRequest): boolean =>
  performance.now() < request.deadline && !request.raw.socket.destroyed;

/**
 * Returns the context of a write without an Idempotency-Key. `hasViews` means that the resource's ETag contains a view.
 */
export const writeContextOf = (request: FastifyRequest, { hasViews = false } = {}): WriteContext<unknown> => ({
  storeResponse: storeNoResponse,
  traceparent: request.trace.traceparent,
  isCallerWaiting: () => isCallerWaiting(request),
  checkVersion: preconditionOf(request, hasViews).check,
});
