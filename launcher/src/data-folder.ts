/** The folder of the embedded databases: who uses it, and where those who join find the registry. */
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isBusy } from '@daybook/database';
import { EXIT, StartFailure } from '@daybook/service';

const RUNNING = 'running.json';

export interface RunningSystem {
  readonly pid: number;
  readonly registryUrl: string;
}

const isRunningSystem = (value: unknown): value is RunningSystem =>
  typeof value === 'object' &&
  value !== null &&
  'pid' in value &&
  typeof value.pid === 'number' &&
  'registryUrl' in value &&
  typeof value.registryUrl === 'string' &&
  URL.canParse(value.registryUrl);

const unusable = (folder: string, cause: unknown) =>
  new StartFailure(EXIT.unavailable, `The data folder ${folder} cannot be used. Set DAYBOOK_DATA.`, { cause });

/** Makes the folder where there is none. Says whether it holds no database yet. */
export async function prepareDataFolder(folder: string): Promise<{ empty: boolean }> {
  try {
    // For nobody else on this machine: patients stand behind every row.
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return { empty: !(await readdir(folder)).some((name) => name.endsWith('.sqlite')) };
  } catch (error) {
    throw unusable(folder, error);
  }
}

function openLock(path: string): DatabaseSync {
  try {
    return new DatabaseSync(path, { timeout: 0 });
  } catch (error) {
    throw unusable(dirname(path), error);
  }
}

/**
 * Makes this process the one that runs the system on the folder; two would each deliver the events of both. The lock
 * is SQLite's on an empty file: the operating system gives it back, however the process ends.
 */
export async function lockDataFolder(folder: string): Promise<Disposable> {
  const lock = openLock(join(folder, 'daybook.lock'));
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (!isBusy(error)) throw unusable(folder, error);
    const other = await findRunningSystem(folder);
    const who = other ? ` (process ${other.pid})` : '';
    const advice = 'Stop it, or set DAYBOOK_DATA to another folder.';
    throw new StartFailure(EXIT.unavailable, `Another Daybook${who} uses the data folder ${folder}. ${advice}`, {
      cause: error,
    });
  }
  return { [Symbol.dispose]: () => lock.close() };
}

/** Lets others on this folder find the registry. */
export async function announce(folder: string, system: RunningSystem): Promise<void> {
  await replaceFile(join(folder, RUNNING), JSON.stringify(system));
}

/** The file has the old content or the new one, whatever happens meanwhile. */
export async function replaceFile(path: string, content: string): Promise<void> {
  await writeFile(`${path}.new`, content);
  await rename(`${path}.new`, path);
}

/** What was announced last; its process may be gone. */
export async function findRunningSystem(folder: string): Promise<RunningSystem | undefined> {
  try {
    const announced: unknown = JSON.parse(await readFile(join(folder, RUNNING), 'utf8'));
    return isRunningSystem(announced) ? announced : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || (error instanceof Error && 'code' in error && error.code === 'ENOENT'))
      return undefined;
    throw error;
  }
}
