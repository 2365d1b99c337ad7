/** Manages the folder of the embedded databases: its locks, its files, and the registry of its running system. */
import { mkdir, open, readdir, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ensurePrivate, isBusy, restrictToOwner } from '@daybook/database';
import { EXIT, StartFailure } from '@daybook/service';

const RUNNING_FILE = 'running.json';
/** Held by the one process that runs the system. */
const SYSTEM_LOCK = 'daybook.lock';
/** Shared by all other processes that use the files. A restore holds it exclusively. */
const SHARED_LOCK = 'members.lock';
/** Exists while a restore installs the files. */
export const RESTORE_MARKER = 'restoring.json';

/** Returns the files of the embedded databases, in a fixed order. */
export const databaseFiles = async (folder: string): Promise<string[]> =>
  (await readdir(folder)).filter((name) => name.endsWith('.sqlite')).toSorted();

export interface RunningSystem {
  readonly pid: number;
  readonly registryUrl: string;
  /** Whether the registry is Daybook's own, for which the passwords in the folder are. */
  readonly isRegistryOurs: boolean;
  /** The address by which people reach it, which all its services have to agree on. */
  readonly publicUrl?: string;
}

const isRunningSystem = (value: unknown): value is RunningSystem =>
  typeof value === 'object' &&
  value !== null &&
  'pid' in value &&
  typeof value.pid === 'number' &&
  'registryUrl' in value &&
  typeof value.registryUrl === 'string' &&
  URL.canParse(value.registryUrl) &&
  'isRegistryOurs' in value &&
  typeof value.isRegistryOurs === 'boolean' &&
  (!('publicUrl' in value) || typeof value.publicUrl === 'string');

const unusable = (folder: string, cause: unknown) =>
  new StartFailure(EXIT.unavailable, `The data folder ${folder} cannot be used. Set DAYBOOK_DATA.`, { cause });

/** The files that Daybook writes into its folder. */
const DAYBOOK_FILES = /\.(?:sqlite(?:-wal|-shm|-journal)?|lock(?:-journal)?|json(?:\.new)?)$/;

/** Creates the folder if it does not exist. Otherwise removes other users' access to its files. */
export async function prepareDataFolder(folder: string): Promise<void> {
  try {
    // Only this user may read patients' data.
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const name of await readdir(folder)) if (DAYBOOK_FILES.test(name)) restrictToOwner(join(folder, name));
  } catch (error) {
    throw unusable(folder, error);
  }
}

/**
 * Returns whether the folder has no database yet. Requires a lock, so that the files cannot be replaced meanwhile.
 * @throws StartFailure 69 when a restore has not installed all files
 */
export async function isEmptyDataFolder(folder: string): Promise<boolean> {
  try {
    if ((await readdir(folder)).includes(RESTORE_MARKER)) {
      const advice = 'Run npm run restore with the same backup again.';
      throw new StartFailure(EXIT.unavailable, `A restore into the data folder ${folder} did not end. ${advice}`);
    }
    return (await databaseFiles(folder)).length === 0;
  } catch (error) {
    throw error instanceof StartFailure ? error : unusable(folder, error);
  }
}

/** The wait of a joining process for another one that tries, and fails, to lock the folder exclusively. */
const JOIN_TIMEOUT_MILLIS = 1000;

/** Locks an empty file with SQLite. The operating system releases the lock, however the process ends. */
function lock(path: string, kind: 'exclusive' | 'shared', busy: () => StartFailure): Disposable {
  let file: DatabaseSync | undefined;
  try {
    ensurePrivate(path);
    file = new DatabaseSync(path, { timeout: kind === 'shared' ? JOIN_TIMEOUT_MILLIS : 0 });
    file.exec(kind === 'shared' ? 'BEGIN; SELECT * FROM sqlite_schema' : 'BEGIN EXCLUSIVE');
  } catch (error) {
    file?.close();
    if (!isBusy(error)) throw unusable(dirname(path), error);
    const failure = busy();
    failure.cause = error;
    throw failure;
  }
  const held = file;
  return { [Symbol.dispose]: () => held.close() };
}

/**
 * Locks the folder as one of the processes that read the files, or use them next to the running system.
 * @throws StartFailure 69 while a restore has the folder exclusively
 */
export function joinDataFolder(folder: string): Disposable {
  const busy = () => new StartFailure(EXIT.unavailable, `A restore into the data folder ${folder} is under way.`);
  return lock(join(folder, SHARED_LOCK), 'shared', busy);
}

/**
 * Locks the folder exclusively, to replace its files.
 * @throws StartFailure 69 while another process uses it
 */
export async function lockDataFolderExclusively(folder: string): Promise<Disposable> {
  using locks = new DisposableStack();
  locks.use(await lockDataFolder(folder));
  const advice = 'Stop the services that joined with npm start -- SERVICE, and wait for a backup to end.';
  const busy = () =>
    new StartFailure(EXIT.unavailable, `Another process of Daybook uses the data folder ${folder}. ${advice}`);
  locks.use(lock(join(folder, SHARED_LOCK), 'exclusive', busy));
  return locks.move();
}

/** Locks the folder for the system's process. Two such processes would each deliver the events of both. */
export async function lockDataFolder(folder: string): Promise<Disposable> {
  const other = await findRunningSystem(folder);
  const owner = other ? ` (process ${other.pid})` : '';
  const advice = 'Stop it, or set DAYBOOK_DATA to another folder.';
  const busy = () =>
    new StartFailure(EXIT.unavailable, `Another Daybook${owner} uses the data folder ${folder}. ${advice}`);
  return lock(join(folder, SYSTEM_LOCK), 'exclusive', busy);
}

/** Records the registry, so that other processes on this folder find it. */
export async function announceSystem(folder: string, system: RunningSystem): Promise<void> {
  await replaceFile(join(folder, RUNNING_FILE), JSON.stringify(system));
}

/** Replaces a file atomically: it always has the old content or the new one. */
export async function replaceFile(path: string, content: string): Promise<void> {
  {
    await using file = await open(`${path}.new`, 'w', 0o600);
    // A file left by an earlier process would keep its mode otherwise.
    await file.chmod(0o600);
    await file.writeFile(content);
  }
  await rename(`${path}.new`, path);
}

/** Returns the last recorded system, whose process may have ended. */
export async function findRunningSystem(folder: string): Promise<RunningSystem | undefined> {
  try {
    const announced: unknown = JSON.parse(await readFile(join(folder, RUNNING_FILE), 'utf8'));
    return isRunningSystem(announced) ? announced : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || (error instanceof Error && 'code' in error && error.code === 'ENOENT'))
      return undefined;
    throw error;
  }
}
