/**
 * One moment of several database files while others write to them. The write locks of all are held at once, for as
 * long as it takes to begin a read on each: what is read then is what every file held at that moment.
 */
import { backup, DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensurePrivate, isBusy } from '@daybook/database';
import { BackupFailure, EXIT } from './backup-failure.ts';

/** How long writers may wait for us in one attempt; an attempt that takes longer is given up, and made again. */
const LOCK_TIMEOUT_MILLIS = 50;
const SNAPSHOT_TIMEOUT_MILLIS = 20_000;
const MAX_RETRY_DELAY_MILLIS = 100;
const PAGES_PER_STEP = 1000;

export interface Snapshot extends Disposable {
  readonly instant: Temporal.Instant;
  /** How long a writer can have waited for us at most, in one attempt. */
  readonly waitMillis: number;
  /** Writes what the file held at the cut to a new file. */
  copy(path: string, to: string, signal: AbortSignal): Promise<void>;
}

interface Source {
  readonly path: string;
  /** Two connections: one that held the write lock would have to give its view up with it. */
  readonly locker: DatabaseSync;
  readonly reader: DatabaseSync;
}

function openSource(path: string, opened: DisposableStack): Source {
  const locker = opened.use(new DatabaseSync(path, { timeout: LOCK_TIMEOUT_MILLIS }));
  const reader = opened.use(new DatabaseSync(path, { timeout: LOCK_TIMEOUT_MILLIS, readOnly: true }));
  // The first statement reads the schema, and the log of a process that was killed: not while others wait.
  for (const connection of [locker, reader]) connection.exec('SELECT * FROM sqlite_schema; PRAGMA busy_timeout = 0');
  return { path, locker, reader };
}

/** Tries again until `deadline`, a thousandth of a second apart: others hold a write lock for one transaction only. */
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

/** Begins a read on every file while all are locked. Whether that was possible in time. */
async function tryBeginReads(sources: readonly Source[]): Promise<boolean> {
  const deadline = performance.now() + LOCK_TIMEOUT_MILLIS;
  try {
    // Always in the same order, so that two backups cannot wait for each other.
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

/** @throws BackupFailure 69 when the writers leave no moment for it */
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
      // SQLite's own copy goes on in the transaction that the connection is in.
      await backup(reader, to, { rate: PAGES_PER_STEP, progress: () => signal.throwIfAborted() });
      // One plain file, which can be looked at without making others beside it.
      using copied = new DatabaseSync(to);
      copied.exec('PRAGMA journal_mode = DELETE');
    },
    [Symbol.dispose]: () => opened.dispose(),
  };
}
