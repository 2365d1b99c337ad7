/** Responses stored by Idempotency-Key, in the same transaction as the change. */
import type { Compilable, Transaction } from 'kysely';
import type { Database } from './database.ts';
import type { DatabaseDialect } from './dialect.ts';
import { executeBatch } from './execute-batch.ts';
import type { SharedTables } from './shared-tables.ts';

export const RETENTION_HOURS = 24;

export interface StoredResponse {
  /** The hash of the original request. */
  readonly fingerprint: Uint8Array;
  readonly status: number;
  readonly headers: Record<string, string>;
  /** The body as sent. */
  readonly body: string;
}

/** Stores the response for a result, inside the transaction that produces it. */
export type StoreResponse<Result> = (transaction: Transaction<SharedTables>, result: Result) => Promise<void>;

/** The context of a write, besides its content. */
export interface WriteContext<Result> {
  readonly storeResponse: StoreResponse<Result>;
  /** From the request that causes the write; its events carry it on. */
  readonly traceparent?: string | undefined;
  /** Returns whether the caller still waits for the response. Otherwise no new work should begin. */
  readonly isCallerWaiting?: (() => boolean) | undefined;
  /** Checks the stored version before a change. Throws when the caller knows only an older one. */
  checkVersion(version: number): void;
}

/** For a write without an Idempotency-Key. */
export const storeNoResponse: StoreResponse<unknown> = async () => undefined;

/** Another request with the same key was first; nothing of this one was done. */
export class IdempotencyKeyTaken extends Error {
  constructor() {
    super('The idempotency key is taken.');
    this.name = 'IdempotencyKeyTaken';
  }
}

export const oldestRetained = (): number =>
  Temporal.Now.instant().subtract({ hours: RETENTION_HOURS }).epochMilliseconds;

export async function findStoredResponse(
  database: Database,
  callerId: string,
  key: string,
): Promise<StoredResponse | undefined> {
  const row = await database.read((db) =>
    db
      .selectFrom('idempotency_keys')
      .select(['fingerprint', 'status', 'headers', 'body'])
      .where('caller_id', '=', callerId)
      .where('key', '=', key)
      .where('created_at', '>', oldestRetained())
      .executeTakeFirst(),
  );
  return row && { ...row, fingerprint: Uint8Array.from(row.fingerprint), headers: JSON.parse(row.headers) };
}

/**
 * Stores a response, and runs further statements of the transaction after it in the same round trip.
 * @throws IdempotencyKeyTaken when the key already has a response
 */
export async function insertStoredResponse(
  dialect: DatabaseDialect,
  transaction: Transaction<SharedTables>,
  callerId: string,
  key: string,
  response: StoredResponse,
  extraStatements: readonly Compilable<unknown>[] = [],
): Promise<void> {
  const row = {
    caller_id: callerId,
    key,
    fingerprint: response.fingerprint,
    status: response.status,
    headers: JSON.stringify(response.headers),
    body: response.body,
    created_at: Temporal.Now.instant().epochMilliseconds,
  };
  const insert = () =>
    executeBatch(transaction, dialect, [transaction.insertInto('idempotency_keys').values(row), ...extraStatements]);
  try {
    await insert();
  } catch (error) {
    if (!dialect.isUniqueViolation(error)) throw error;
    if (!(await deleteExpired(transaction, callerId, key))) throw new IdempotencyKeyTaken();
    await insert();
  }
}

/**
 * Replaces the bodies of stored responses that contain an id, after the data of its resource was erased. A repeated
 * request gets the new body. It reads all stored responses, which is for rare changes only.
 */
export async function rewriteStoredResponses(
  transaction: Transaction<SharedTables>,
  id: string,
  rewrite: (body: unknown) => unknown,
): Promise<void> {
  const rows = await transaction
    .selectFrom('idempotency_keys')
    .select(['caller_id', 'key', 'body'])
    .where('body', 'like', `%${id}%`)
    .execute();
  for (const { caller_id, key, body } of rows) {
    const rewritten = JSON.stringify(rewrite(JSON.parse(body)));
    if (rewritten === body) continue;
    await transaction
      .updateTable('idempotency_keys')
      .set({ body: rewritten })
      .where('caller_id', '=', caller_id)
      .where('key', '=', key)
      .execute();
  }
}

/** Deletes an expired response that was not swept yet. Returns false when there is none. */
async function deleteExpired(transaction: Transaction<SharedTables>, callerId: string, key: string): Promise<boolean> {
  const { numDeletedRows } = await transaction
    .deleteFrom('idempotency_keys')
    .where('caller_id', '=', callerId)
    .where('key', '=', key)
    .where('created_at', '<=', oldestRetained())
    .executeTakeFirst();
  return numDeletedRows > 0n;
}
