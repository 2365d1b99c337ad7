/** Measures SQLite alone on this disk: durable transactions as large as a booking. The baseline for ours. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** A booking of 30 minutes: six cells each of doctor and patient, appointment, history, event. */
const ROWS = 15;

/** Returns the transactions per second. */
export function bareTransactionsPerSecond(folder: string, count: number): number {
  const database = new DatabaseSync(join(folder, 'bare.sqlite'));
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    database.exec(
      'CREATE TABLE cells (resource BLOB, cell INTEGER, PRIMARY KEY (resource, cell)) STRICT, WITHOUT ROWID',
    );
    const insert = database.prepare('INSERT INTO cells VALUES (?, ?)');
    const resource = crypto.getRandomValues(new Uint8Array(16));
    const startedAt = performance.now();
    for (let n = 0; n < count; n += 1) {
      database.exec('BEGIN IMMEDIATE');
      for (let row = 0; row < ROWS; row += 1) insert.run(resource, n * ROWS + row);
      database.exec('COMMIT');
    }
    return count / ((performance.now() - startedAt) / 1000);
  } finally {
    database.close();
  }
}
