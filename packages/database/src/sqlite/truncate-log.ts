/** Empties the write-ahead log, which has earlier versions of pages until it is overwritten. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Kysely, sql } from 'kysely';

const ATTEMPTS = 20;
const PAUSE_MILLIS = 50;

/**
 * Moves the whole log into the database file, and makes the log empty. Another process that reads or writes the file
 * meanwhile makes it wait for a second at most; then the log is emptied by the last process that closes the file.
 */
export async function truncateLog<Tables>(db: Kysely<Tables>): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const { rows } = await sql<{ busy: number }>`pragma wal_checkpoint(truncate)`.execute(db);
    if (rows[0]?.busy !== 1) return;
    await sleep(PAUSE_MILLIS);
  }
}
