/** Restricts database files to this user, because they hold medical data that patients confided. */
import { chmodSync, closeSync, openSync, statSync } from 'node:fs';

const OWNER_ONLY = 0o600;
const OTHERS = 0o077;
/** The files that SQLite keeps next to a database. New ones get the mode of the database file. */
const COMPANIONS = ['-wal', '-shm', '-journal'];

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);

/**
 * Creates a file that only this user can read, or restricts an existing one and its companion files. Ignores a path
 * that cannot be opened, because SQLite reports it.
 * @throws Error `EPERM` when the file belongs to another user and others can read it
 */
export function ensurePrivate(path: string): void {
  try {
    // Never opens an existing file, because closing it would drop the locks of SQLite in this process.
    closeSync(openSync(path, 'wx', OWNER_ONLY));
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') return;
    for (const each of [path, ...COMPANIONS.map((suffix) => path + suffix)]) restrictToOwner(each);
  }
}

/** Restricts the mode of a file that others can read. Ignores a missing file. */
export function restrictToOwner(path: string): void {
  try {
    if ((statSync(path).mode & OTHERS) !== 0) chmodSync(path, OWNER_ONLY);
  } catch (error) {
    // SQLite removes its companion files whenever the last connection closes.
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}

/** Returns whether `ensurePrivate` failed because another user owns the file, or its file system has no modes. */
export const isNotOwned = (error: unknown): boolean => ['EPERM', 'EACCES', 'ENOTSUP'].includes(String(codeOf(error)));
