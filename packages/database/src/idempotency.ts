/** Answers kept by Idempotency-Key, written in the transaction of the change that they answer. */
import type { Transaction } from 'kysely';
import type { Database } from './database.ts';
import type { DatabaseDialect } from './dialect.ts';
import type { SharedTables } from './shared-tables.ts';

export const KEPT_HOURS = 24;

export interface KeptAnswer {
  /** Of the request that was answered. */
  readonly fingerprint: Uint8Array;
  readonly status: number;
  readonly headers: Record<string, string>;
  /** As it was sent. */
  readonly body: string;
}

/** Stores the answer for a result inside the transaction that produces it. */
export type Keep<Result> = (transaction: Transaction<SharedTables>, result: Result) => Promise<void>;

/** What comes with a write besides its content. */
export interface WriteContext<Result> {
  readonly keep: Keep<Result>;
  /** Of the request that asks for it; its events carry it on. */
  readonly traceparent?: string | undefined;
  /** Whether somebody still waits for the answer; otherwise nothing that has not begun should begin. */
  readonly isAwaited?: (() => boolean) | undefined;
  /** Called with the stored version before it is changed; throws when the caller knows only an older one. */
  checkVersion(version: number): void;
}

/** For a write that no Idempotency-Key names. */
export const keepNothing: Keep<unknown> = async () => undefined;

/** Another request with the same key was first; nothing of this one was done. */
export class IdempotencyKeyTaken extends Error {
  constructor() {
    super('The idempotency key is taken.');
    this.name = 'IdempotencyKeyTaken';
  }
}

export const oldestKept = (): number => Temporal.Now.instant().subtract({ hours: KEPT_HOURS }).epochMilliseconds;

export async function findAnswer(database: Database, callerId: string, key: string): Promise<KeptAnswer | undefined> {
  const row = await database.read((db) =>
    db
      .selectFrom('idempotency_keys')
      .select(['fingerprint', 'status', 'headers', 'body'])
      .where('caller_id', '=', callerId)
      .where('key', '=', key)
      .where('created_at', '>', oldestKept())
      .executeTakeFirst(),
  );
  return row && { ...row, fingerprint: Uint8Array.from(row.fingerprint), headers: JSON.parse(row.headers) };
}

/** @throws IdempotencyKeyTaken when the key has an answer already */
export async function keepAnswer(
  dialect: DatabaseDialect,
  transaction: Transaction<SharedTables>,
  callerId: string,
  key: string,
  answer: KeptAnswer,
): Promise<void> {
  const insert = () =>
    transaction
      .insertInto('idempotency_keys')
      .values({
        caller_id: callerId,
        key,
        fingerprint: answer.fingerprint,
        status: answer.status,
        headers: JSON.stringify(answer.headers),
        body: answer.body,
        created_at: Temporal.Now.instant().epochMilliseconds,
      })
      .execute();
  try {
    await insert();
  } catch (error) {
    if (!dialect.isUniqueViolation(error)) throw error;
    if (!(await forgetExpired(transaction, callerId, key))) throw new IdempotencyKeyTaken();
    await insert();
  }
}

/** An answer that is past its time is in the way until it is swept. False when there is none. */
async function forgetExpired(transaction: Transaction<SharedTables>, callerId: string, key: string): Promise<boolean> {
  const { numDeletedRows } = await transaction
    .deleteFrom('idempotency_keys')
    .where('caller_id', '=', callerId)
    .where('key', '=', key)
    .where('created_at', '<=', oldestKept())
    .executeTakeFirst();
  return numDeletedRows > 0n;
}
