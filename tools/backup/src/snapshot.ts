/**
 * Reads several database files as of one moment while others write to them.
 * It holds all write locks simultaneously while it begins a read on each file.
 * So each read returns the content of its file at that moment.
 */
import { backup, DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensurePrivate, isBusy } from '@daybook/database';
import { EXIT } from '@daybook/service';
import { BackupFailure } from './backup-failure.ts';

/** The longest wait of writers in one attempt. A longer attempt is abandoned and repeated. */
const LOCK_TIMEOUT_MILLIS = 50;
const SNAPSHOT_TIMEOUT_MILLIS = 20_000;
const MAX_RETRY_DELAY_MILLIS = 100;
const PAGES_PER_STEP = 1000;

export interface Snapshot extends Disposable {
  readonly instant: Temporal.Instant;
  /** The longest time that a writer can have waited in one attempt. */
  readonly waitMillis: number;
  /** Writes the content of the file at the snapshot to a new file. */
  copy(path: string, to: string, signal: AbortSignal): Promise<void>;
}

interface Source {
  readonly path: string;
  /** Two connections, because one that held the write lock would lose its read view with the lock. */
  readonly locker: DatabaseSync;
  readonly reader: DatabaseSync;
}

function openSource(path: string, opened: DisposableStack): Source {
  const locker = opened.use(new DatabaseSync(path, { timeout: LOCK_TIMEOUT_MILLIS }));
  const reader = opened.use(new DatabaseSync(path, { timeout: LOCK_TIMEOUT_MILLIS, readOnly: true }));
  // Reads the schema, and the log of a killed process, before other writers have to wait.
  for (const connection of [locker, reader]) connection.exec('SELECT * FROM sqlite_schema; PRAGMA busy_timeout = 0');
  return { path, locker, reader };
}

/** Tries every millisecond until `deadline`, because others hold a write lock for one transaction only. */
async function lockBy(deadline: number, { locker }: Source): Promise<boolean> {
  for (;;) {
    try {
      locker.exec('BEGIN IMMEDIATE');
      return true;
    } catch (error) {
      if (!isBusy(error)) throw error;
      if (performance.now() >= deadline) return false;
      await sleep(1);
    }
  }
}

function endTransaction(connection: DatabaseSync): void {
  if (connection.isTransaction) connection.exec('ROLLBACK');
}

/** Begins a read on every file while all are locked. Returns whether that was possible in time. */
async function tryBeginReads(sources: readonly Source[]): Promise<boolean> {
  const deadline = performance.now() + LOCK_TIMEOUT_MILLIS;
  try {
    // Always in the same order, so that two backups cannot deadlock.
    for (const source of sources) if (!(await lockBy(deadline, source))) return false;
    for (const { reader } of sources) reader.exec('BEGIN; SELECT * FROM sqlite_schema LIMIT 1');
    return true;
  } catch (error) {
    for (const { reader } of sources) endTransaction(reader);
    if (isBusy(error)) return false;
    throw error;
  } finally {
    for (const { locker } of sources) endTransaction(locker);
  }
}

/**
 * Opens a snapshot.
 * @throws BackupFailure 69 when all attempts time out
 */
export async function openSnapshot(paths: readonly string[], signal: AbortSignal): Promise<Snapshot> {
  using opened = new DisposableStack();
  const sources = paths.map((path) => openSource(path, opened));
  const deadline = performance.now() + SNAPSHOT_TIMEOUT_MILLIS;
  let waitMillis = 0;
  for (;;) {
    signal.throwIfAborted();
    const began = performance.now();
    const succeeded = await tryBeginReads(sources);
    const instant = Temporal.Now.instant();
    waitMillis = Math.max(waitMillis, performance.now() - began);
    if (succeeded) return createSnapshot(sources, instant, waitMillis, opened.move());
    if (performance.now() > deadline) {
      const reason = 'another process holds the lock of a database all the time';
      throw new BackupFailure(EXIT.unavailable, `No backup could be made: ${reason}. Try again.`);
    }
    await sleep(MAX_RETRY_DELAY_MILLIS * Math.random(), undefined, { signal });
  }
}

function createSnapshot(
  sources: readonly Source[],
  instant: Temporal.Instant,
  waitMillis: number,
  opened: DisposableStack,
): Snapshot {
  const readers = new Map(sources.map(({ path, reader }) => [path, reader]));
  return {
    instant,
    waitMillis,
    async copy(path, to, signal) {
      const reader = readers.get(path);
      if (!reader) throw new Error(`${path} is not in this snapshot`);
      ensurePrivate(to);
      // SQLite's copy runs within the connection's open transaction.
      await backup(reader, to, { rate: PAGES_PER_STEP, progress: () => signal.throwIfAborted() });
      // Converts the copy to one plain file, which readers can open without creating others next to it.
      using copied = new DatabaseSync(to);
      copied.exec('PRAGMA journal_mode = DELETE');
    },
    [Symbol.dispose]: () => opened.dispose(),
  };
}
