/** Replaces the databases of a data folder by those of a backup. Daybook does not start until all are installed. */
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  databaseFiles,
  lockDataFolderExclusively,
  prepareDataFolder,
  RESTORE_MARKER,
} from '@daybook/launcher/data-folder';
import { createValidator, EXIT } from '@daybook/service';
import { type Static, Type } from 'typebox';
import { BackupFailure, checkPages, mapIoError } from './backup-failure.ts';
import { copyFile, exists, syncFolder, writeDurably } from './files.ts';
import { type BackedUpFile, type Manifest, readManifest } from './manifest.ts';

export interface RestoreOptions {
  readonly dataFolder: string;
  /** The folder of the backup. */
  readonly source: string;
  /** Whether existing databases are moved aside. */
  readonly replace: boolean;
  /** Aborts the restore, as long as it has changed nothing. */
  readonly signal: AbortSignal;
}

export interface RestoreReport {
  readonly manifest: Manifest;
  /** The folder with the previous databases. */
  readonly aside: string | undefined;
}

/** Includes the marker of an incomplete demo, because it belongs to the previous databases. */
const REPLACED_FILES = /\.sqlite(-wal|-shm|-journal)?$|^demo\.json$/;
const STAGING = 'restoring-';
const STALE_STAGING = new RegExp(`^${STAGING}`);

/** Exists in the data folder while the files are installed. */
const RestoreMarker = Type.Object({
  /** The folder for the previous files. */
  aside: Type.String({ pattern: '^before-restore-[0-9TZ-]+$' }),
  /** The previous files. */
  names: Type.Array(Type.String({ pattern: REPLACED_FILES.source }), { maxItems: 1000 }),
});
type RestoreMarker = Static<typeof RestoreMarker>;

const checkMarker = createValidator(RestoreMarker);

/**
 * Restores a backup.
 * @throws BackupFailure; StartFailure 69 while another process uses the data folder
 */
export async function restoreBackup({ dataFolder, source, replace, signal }: RestoreOptions): Promise<RestoreReport> {
  const manifest = await readManifest(source);
  await prepareDataFolder(dataFolder);
  using _exclusiveLock = await lockDataFolderExclusively(dataFolder);
  return mapIoError(`The data folder ${dataFolder} cannot be written`, async () => {
    const marker = await prepareMarker(dataFolder, replace);
    for (const name of await entries(dataFolder, STALE_STAGING)) await rm(join(dataFolder, name), { recursive: true });
    const staging = await mkdtemp(join(dataFolder, STAGING));
    try {
      for (const file of manifest.files) await stage(source, staging, file, signal);
      await syncFolder(staging);
      signal.throwIfAborted();
      await install(dataFolder, staging, manifest, marker);
      return { manifest, aside: marker.names.length > 0 ? resolve(dataFolder, marker.aside) : undefined };
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
  });
}

/**
 * Returns the marker of an unfinished restore, or a new one.
 * @throws BackupFailure 64 when databases exist and `replace` is false
 */
async function prepareMarker(folder: string, replace: boolean): Promise<RestoreMarker> {
  const unfinished = await readMarker(join(folder, RESTORE_MARKER));
  if (unfinished) return unfinished;
  if (!replace && (await databaseFiles(folder)).length > 0) {
    const advice = 'With --replace they are put aside, and kept.';
    throw new BackupFailure(EXIT.usage, `There are databases in the data folder ${folder} already. ${advice}`);
  }
  const now = Temporal.Now.instant().toString().replaceAll(/[:.]/g, '-');
  return { aside: `before-restore-${now}`, names: await entries(folder, REPLACED_FILES) };
}

async function readMarker(path: string): Promise<RestoreMarker | undefined> {
  if (!(await exists(path))) return undefined;
  const checked = checkMarker(JSON.parse(await readFile(path, 'utf8')));
  if ('value' in checked) return checked.value;
  throw new BackupFailure(EXIT.data, `${path} is not the mark of a restore.`);
}

const entries = async (folder: string, pattern: RegExp): Promise<string[]> =>
  (await readdir(folder)).filter((name) => pattern.test(name)).toSorted();

/** Copies a file of the backup next to its destination, and checks its content. */
async function stage(
  source: string,
  staging: string,
  { name, bytes, sha256 }: BackedUpFile,
  signal: AbortSignal,
): Promise<void> {
  const from = join(source, name);
  const to = join(staging, name);
  const content = await mapIoError(`The backup file ${from} cannot be copied`, () => copyFile(from, to, signal));
  if (content.bytes !== bytes || content.sha256 !== sha256) {
    throw new BackupFailure(EXIT.data, `The backup file ${from} is not as it was written. Restore another backup.`);
  }
  checkPages(to, 'Restore another backup.');
}

/** Installs the files. While the marker exists Daybook does not start, so it never sees old and new files together. */
async function install(folder: string, staging: string, { files }: Manifest, marker: RestoreMarker): Promise<void> {
  const path = join(folder, RESTORE_MARKER);
  await writeDurably(`${path}.new`, JSON.stringify(marker));
  await rename(`${path}.new`, path);
  await syncFolder(folder);
  if (marker.names.length > 0) await moveAside(folder, marker);
  // Removes files that an unfinished restore installed.
  for (const name of await entries(folder, REPLACED_FILES)) await rm(join(folder, name));
  for (const { name } of files) await rename(join(staging, name), join(folder, name));
  await syncFolder(folder);
  await rm(path);
  await syncFolder(folder);
}

/** Moves the previous files aside. An unfinished restore may have moved some and installed its own in their places. */
async function moveAside(folder: string, marker: RestoreMarker): Promise<void> {
  const aside = join(folder, marker.aside);
  await mkdir(aside, { recursive: true, mode: 0o700 });
  for (const name of marker.names) {
    if (!(await exists(join(aside, name)))) await rename(join(folder, name), join(aside, name));
  }
  await syncFolder(aside);
  await syncFolder(folder);
}
