/** Creates the context of a write from its request: trace, its precondition, and whether the caller still waits. */
import type { StoreResponse, WriteContext } from '@daybook/database';
import type { FastifyRequest } from 'fastify';
import { changeStatements } from '../audit/audit-calls.ts';
import { preconditionOf } from './etag.ts';

/**
 * Returns whether the caller still waits. Fastify's `signal` ends with the request's body, long before the response.
 */
const isCallerWaiting = (request: FastifyRequest): boolean =>
  performance.now() < request.deadline && !request.raw.socket.destroyed;

export interface WriteOptions<Result> {
  /** Whether the resource's ETag contains a view. */
  readonly hasViews?: boolean;
  /** Returns the patients whose records a change concerns, for the audit trail. Undefined: none. */
  readonly patientsOf?: ((result: Result) => readonly string[]) | undefined;
}

/** Stores only the audit record of a change, in its transaction. */
const storeRecord =
  <Result>(request: FastifyRequest, { patientsOf }: WriteOptions<Result>): StoreResponse<Result> =>
  async (transaction, result) => {
    for (const statement of changeStatements(request, transaction, patientsOf?.(result) ?? [], result)) {
      await transaction.executeQuery(statement.compile());
    }
  };

/** Returns the context of a write without an Idempotency-Key. */
export const writeContextOf = <Result = unknown>(
  request: FastifyRequest,
  options: WriteOptions<Result> = {},
): WriteContext<Result> => ({
  storeResponse: storeRecord(request, options),
  traceparent: request.trace.traceparent,
  isCallerWaiting: () => isCallerWaiting(request),
  checkVersion: preconditionOf(request, options.hasViews).check,
});
