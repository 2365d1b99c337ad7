/**
 * For this package's tests, as a separate process. Fills a file until the log has space and the database has none,
 * prints the errors, and continues with space. The operating system rejects the writes, as on a full disk.
 */
import { spawnSync } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { DatabaseUnavailable } from '../errors.ts';
import { openDatabase } from '../open-database.ts';
import { addNote, type NoteTables, noteMigrations, notesOf } from '../testing-notes.ts';

const [, , path = ''] = process.argv;
const MEBIBYTE = 1024 * 1024;
const MOST_NOTES = 2_000;

function limitFileSize(bytes: number | 'unlimited'): void {
  const { status, stderr } = spawnSync('prlimit', ['--pid', String(process.pid), `--fsize=${bytes}:`]);
  if (status !== 0) throw new Error(`prlimit did not work: ${stderr}`);
}

const database = await openDatabase<NoteTables>(`sqlite:${path}`, noteMigrations);
const text = 'x'.repeat(50_000);
let stored = 0;
for (; stored < 160; stored += 1) await addNote(database, text);
const { size } = await stat(path);

// The database is larger than the limit of its log. So checkpoints cannot extend it while the log accepts writes.
limitFileSize(size);
let refused: unknown;
while (refused === undefined && stored < MOST_NOTES) {
  try {
    await addNote(database, text);
    stored += 1;
  } catch (error) {
    refused = error;
  }
}
const full = {
  refused: refused instanceof DatabaseUnavailable,
  readable: (await notesOf(database)).length === stored,
  sizeStayed: (await stat(path)).size === size,
  logIsFull: (await stat(`${path}-wal`)).size > size - MEBIBYTE,
};

limitFileSize('unlimited');
await database.check();
await addNote(database, text);
const free = { grew: (await stat(path)).size > size, notes: (await notesOf(database)).length - stored };
await database.close();
process.stdout.write(JSON.stringify({ full, free }));
