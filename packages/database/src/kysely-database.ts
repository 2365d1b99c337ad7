/** Reads, and transactions with a limited number of attempts, over any Kysely dialect. */
import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMillis } from '@daybook/async';
import { type Kysely, sql, type Transaction } from 'kysely';
import type { AdvisoryLock } from './advisory-lock.ts';
import type { Database } from './database.ts';
import type { DatabaseDialect } from './dialect.ts';
import { AmbiguousCommit, DatabaseUnavailable, WriteConflict } from './errors.ts';
import { hasEvents } from './outbox.ts';
import { asSharedTransaction, type SharedTables } from './shared-tables.ts';

const WRITE_ATTEMPTS = 5;
/** Transactions that collided must not collide again, so the whole pause is random. */
const RETRY = { firstMillis: 20, longestMillis: 160, leastShare: 0 };
/** After this time no attempt is repeated, because the caller has given up or soon will. */
const RETRY_FOR_MILLIS = 10_000;

/** Separate connections for reads, so that a waiting write does not block them. */
export interface Connections<Tables> {
  readonly writer: Kysely<Tables & SharedTables>;
  readonly reader: Kysely<Tables & SharedTables>;
}

export class KyselyDatabase<Tables> implements Database<Tables> {
  readonly dialect: DatabaseDialect;
  readonly advisoryLock: (name: string) => AdvisoryLock;
  readonly #writer: Kysely<Tables & SharedTables>;
  readonly #reader: Kysely<Tables & SharedTables>;
  readonly #listeners = new Set<() => void>();
  /** Whether the last write failed because of a full or broken disk. */
  #cannotWrite = false;

  constructor(
    connections: Connections<Tables>,
    dialect: DatabaseDialect,
    advisoryLock: (name: string) => AdvisoryLock,
  ) {
    this.#writer = connections.writer;
    this.#reader = connections.reader;
    this.dialect = dialect;
    this.advisoryLock = advisoryLock;
  }

  async read<Result>(query: (db: Kysely<Tables & SharedTables>) => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await query(this.#reader);
      } catch (error) {
        // The next query on an idle connection may be the first to notice that it ended.
        if (attempt === 1 && this.dialect.isConnectionLost(error)) continue;
        throw this.dialect.isUnavailable(error) ? new DatabaseUnavailable(error) : error;
      }
    }
  }

  async write<Result>(work: (transaction: Transaction<Tables & SharedTables>) => Promise<Result>): Promise<Result> {
    const deadline = performance.now() + RETRY_FOR_MILLIS;
    for (let attempt = 1; ; attempt += 1) {
      let begun: object | undefined;
      let workDone = false;
      try {
        const result = await this.#writer.transaction().execute(async (transaction) => {
          begun = transaction;
          const result = await work(transaction);
          workDone = true;
          return result;
        });
        this.#cannotWrite = false;
        if (begun && hasEvents(begun)) for (const listener of this.#listeners) listener();
        return result;
      } catch (error) {
        // Committed work, or work that may be committing, must not run again.
        if (workDone && this.dialect.isCommitAmbiguous(error)) throw new AmbiguousCommit(error);
        // A transaction that could not begin has waited long enough.
        const retry = begun && this.#isRetryable(error) && attempt < WRITE_ATTEMPTS && performance.now() < deadline;
        if (!retry) throw this.#failureOf(error);
        await sleep(backoffMillis(attempt, RETRY));
      }
    }
  }

  #isRetryable(error: unknown): boolean {
    return error instanceof WriteConflict || this.dialect.isTransient(error) || this.dialect.isConnectionLost(error);
  }

  #failureOf(error: unknown): unknown {
    if (error instanceof WriteConflict) return new DatabaseUnavailable(error);
    if (!this.dialect.isUnavailable(error)) return error;
    // A busy database can write.
    if (!this.dialect.isTransient(error)) this.#cannotWrite = true;
    return new DatabaseUnavailable(error);
  }

  onEvents(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async purgeDeleted(): Promise<void> {
    await this.dialect.purgeDeleted?.(this.#writer);
  }

  async check(): Promise<void> {
    await sql`select 1`.execute(this.#reader);
    // A probe writes only after a failed write, because probes are frequent.
    if (this.#cannotWrite) await this.write((transaction) => writeProbe(asSharedTransaction(transaction)));
  }

  async close(): Promise<void> {
    await this.#reader.destroy();
    await this.#writer.destroy();
  }
}

const PROBE = { caller_id: 'probe', key: 'probe' } as const;
const PROBE_BYTES = 64 * 1024;

/**
 * Needs more disk space than a change: the last free page accepts a small row and nothing else. It leaves one row,
 * which is swept with keys of its age.
 */
async function writeProbe(transaction: Transaction<SharedTables>): Promise<void> {
  await transaction
    .deleteFrom('idempotency_keys')
    .where('caller_id', '=', PROBE.caller_id)
    .where('key', '=', PROBE.key)
    .execute();
  await transaction
    .insertInto('idempotency_keys')
    .values({
      ...PROBE,
      fingerprint: new Uint8Array(32),
      status: 0,
      headers: '{}',
      body: ' '.repeat(PROBE_BYTES),
      created_at: Temporal.Now.instant().epochMilliseconds,
    })
    .execute();
}
