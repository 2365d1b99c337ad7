/**
 * Makes retries safe: the same key and body get the first response again (draft-ietf-httpapi-idempotency-key-header).
 */
import { createHash } from 'node:crypto';
import { permit, problemOf, problems, Refusal } from '@daybook/contracts';
import {
  AmbiguousCommit,
  type Database,
  findStoredResponse,
  IdempotencyKeyTaken,
  insertStoredResponse,
  type StoredResponse,
  type WriteContext,
} from '@daybook/database';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { changeStatements } from '../audit/audit-calls.ts';
import { etagOf } from './etag.ts';
import { PROBLEM_JSON } from './problem-handler.ts';
import { rolesOf } from './roles.ts';
import { writeContextOf } from './write-context.ts';

const KEY = /^[\x21-\x7e]{1,255}$/;

/** The status and headers of a result's response; both are stored. */
export interface ResponseShape<Result> {
  status: number;
  headers(result: Result): Record<string, string>;
  /** Returns the patients whose records a change concerns, for the audit trail. Undefined: none. */
  readonly patientsOf?: ((result: Result) => readonly string[]) | undefined;
}

/** Returns the shape of a response to a creation: 201, with the address and the ETag of the new resource. */
export const createdResponse = <Resource extends { readonly id: string; readonly version: number }>(
  collection: string,
  patientsOf?: (result: Resource) => readonly string[],
): ResponseShape<Resource> => ({
  status: 201,
  patientsOf,
  headers: ({ id, version }) => ({ location: `${collection}/${id}`, etag: etagOf(version) }),
});

/** Returns the shape of a response to a change: 200, with the ETag of the changed resource. */
export const changedResponse = <Resource extends { readonly version: number }>(
  patientsOf?: (result: Resource) => readonly string[],
): ResponseShape<Resource> => ({
  status: 200,
  patientsOf,
  headers: ({ version }) => ({ etag: etagOf(version) }),
});

/** Keys of running requests, by their service's database. An entry is removed when its request ends. */
const running = new WeakMap<Database, Set<string>>();

function runningIn(database: Database): Set<string> {
  const known = running.get(database) ?? new Set<string>();
  running.set(database, known);
  return known;
}

function keyOf(request: FastifyRequest): string | undefined {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key === 'string' && KEY.test(key)) return key;
  throw new Refusal('invalid-request', 'The Idempotency-Key is not usable.', {
    errors: [{ pointer: '/idempotency-key', message: 'must be 1 to 255 visible ASCII characters' }],
  });
}

/** Includes the role, because the account may have another one by now, to which the response shows too much. */
const fingerprintOf = (request: FastifyRequest): Uint8Array =>
  createHash('sha256')
    .update(`${request.caller.role} ${request.method} ${request.url}\n${JSON.stringify(request.body)}`)
    .digest();

/** Sends a stored response. Its first request was recorded in the audit trail, so this one is not. */
function replay(reply: FastifyReply, stored: StoredResponse, fingerprint: Uint8Array): void {
  if (Buffer.compare(stored.fingerprint, fingerprint) !== 0) {
    throw new Refusal('idempotency-key-reused', 'This Idempotency-Key was used for another request. Use a new one.');
  }
  reply.request.isAudited = true;
  reply.code(stored.status).headers(stored.headers).header('idempotency-replayed', 'true').send(stored.body);
}

/**
 * Returns whether a refusal is a stored response. A refusal of the request itself is; an unavailable dependency is not.
 */
const isFinal = (refusal: Refusal): boolean => [409, 422].includes(problems[refusal.code].status);

/**
 * Runs `action` at most once for an `Idempotency-Key` and sends its result. `action` calls `write.storeResponse` inside
 * its own transaction, so that effect and response are stored together or not at all. The roles of the route are
 * checked first, because a stored response is only for callers that are still permitted.
 * @throws Refusal `forbidden`
 */
export async function replyIdempotently<Result>(
  request: FastifyRequest,
  reply: FastifyReply,
  database: Database,
  shape: ResponseShape<Result>,
  action: (write: WriteContext<Result>) => Promise<Result>,
): Promise<void> {
  permit(request.caller, rolesOf(request));
  const key = keyOf(request);
  const write = writeContextOf<Result>(request, shape);
  if (key === undefined) {
    const result = await action(write);
    reply.code(shape.status).headers(shape.headers(result)).send(result);
    return;
  }
  const callerId = request.caller.id;
  const fingerprint = fingerprintOf(request);
  const inUse = runningIn(database);
  const slot = `${callerId} ${key}`;
  const stored = await findStoredResponse(database, callerId, key);
  if (stored) return replay(reply, stored, fingerprint);
  if (inUse.has(slot)) {
    throw new Refusal('idempotency-key-in-use', 'The first request with this key is still running.', {
      retryAfterSeconds: 1,
    });
  }
  inUse.add(slot);
  try {
    await replyFirst(request, reply, database, shape, action, write, { callerId, key, fingerprint });
  } finally {
    inUse.delete(slot);
  }
}

async function replyFirst<Result>(
  request: FastifyRequest,
  reply: FastifyReply,
  database: Database,
  shape: ResponseShape<Result>,
  action: (write: WriteContext<Result>) => Promise<Result>,
  write: WriteContext<Result>,
  name: { callerId: string; key: string; fingerprint: Uint8Array },
): Promise<void> {
  const json = { 'content-type': 'application/json; charset=utf-8' };
  const responseFor = (result: Result): StoredResponse => ({
    fingerprint: name.fingerprint,
    status: shape.status,
    headers: { ...json, ...shape.headers(result) },
    body: JSON.stringify(result),
  });
  try {
    const result = await action({
      ...write,
      storeResponse: (transaction, result) =>
        insertStoredResponse(
          database.dialect,
          transaction,
          name.callerId,
          name.key,
          responseFor(result),
          changeStatements(request, transaction, shape.patientsOf?.(result) ?? [], result),
        ),
    });
    const { status, headers, body } = responseFor(result);
    reply.code(status).headers(headers).send(body);
  } catch (error) {
    // The commit may have succeeded; then its response is stored.
    const isAmbiguous = error instanceof AmbiguousCommit;
    if (!(isAmbiguous || error instanceof Refusal || error instanceof IdempotencyKeyTaken)) throw error;
    const isStored = error instanceof Refusal && isFinal(error) && (await storeRefusal(request, database, name, error));
    // Another process may have been first, especially if it blocked this one. Its response counts.
    const first = isStored ? undefined : await findStoredResponse(database, name.callerId, name.key);
    if (first) return replay(reply, first, name.fingerprint);
    throw error;
  }
}

/** Stores a refusal; returns false when the key already has a response. */
async function storeRefusal(
  request: FastifyRequest,
  database: Database,
  name: { callerId: string; key: string; fingerprint: Uint8Array },
  refusal: Refusal,
): Promise<boolean> {
  const [path = '/'] = request.url.split('?');
  const problem = problemOf(refusal, path, request.trace.traceId);
  const response = {
    fingerprint: name.fingerprint,
    status: problem.status,
    headers: { 'content-type': PROBLEM_JSON },
    body: JSON.stringify(problem),
  };
  try {
    await database.write((transaction) =>
      insertStoredResponse(database.dialect, transaction, name.callerId, name.key, response),
    );
    return true;
  } catch (error) {
    if (error instanceof IdempotencyKeyTaken) return false;
    throw error;
  }
}
