/** Database files hold what patients told their doctors: no other user of the machine reads them. */
import { chmodSync, closeSync, openSync, statSync } from 'node:fs';

const OWNER_ONLY = 0o600;
const OTHERS = 0o077;
/** What SQLite keeps beside a file. It gives new ones the mode of the file. */
const COMPANIONS = ['-wal', '-shm', '-journal'];

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);

/**
 * Makes a file that only this user can read, or takes it away from others if it exists, with all that SQLite keeps beside it.
 * A path that cannot be opened is left to SQLite, which reports it.
 * @throws Error `EPERM` when the file belongs to another user and others can read it
 */
export function ensurePrivate(path: string): void {
  try {
    // Never opens a file that exists: closing it would give up the locks that SQLite has on it in this process.
    closeSync(openSync(path, 'wx', OWNER_ONLY));
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') return;
    for (const each of [path, ...COMPANIONS.map((suffix) => path + suffix)]) restrictToOwner(each);
  }
}

/** Changes the mode of a file that others can read; a file that does not exist stays so. */
export function restrictToOwner(path: string): void {
  try {
    if ((statSync(path).mode & OTHERS) !== 0) chmodSync(path, OWNER_ONLY);
  } catch (error) {
    // SQLite removes the files beside its own whenever the last connection closes.
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}

/** Whether `ensurePrivate` failed because the file belongs to another user, or its file system keeps no modes. */
export const isNotOwned = (error: unknown): boolean => ['EPERM', 'EACCES', 'ENOTSUP'].includes(String(codeOf(error)));
