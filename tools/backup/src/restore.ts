/** Puts the databases of a backup in the place of those of a data folder: all of them, or Daybook does not start. */
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  databaseFiles,
  lockDataFolderExclusively,
  prepareDataFolder,
  RESTORE_MARKER,
} from '@daybook/launcher/data-folder';
import { createValidator } from '@daybook/service';
import { type Static, Type } from 'typebox';
import { BackupFailure, checkPages, EXIT, mapIoError } from './backup-failure.ts';
import { copyFile, exists, syncFolder, writeDurably } from './files.ts';
import { type BackedUpFile, type Manifest, readManifest } from './manifest.ts';

export interface RestoreOptions {
  readonly dataFolder: string;
  /** What a backup wrote. */
  readonly source: string;
  /** Whether databases that are there already are put aside. */
  readonly replace: boolean;
  /** Ends the restore, as long as it has changed nothing. */
  readonly signal: AbortSignal;
}

export interface RestoreReport {
  readonly manifest: Manifest;
  /** Where the databases are that were there before. */
  readonly aside: string | undefined;
}

/** The marks of a demo that may be half filled belong to the databases that go. */
const REPLACED_FILES = /\.sqlite(-wal|-shm|-journal)?$|^demo\.json$/;
const STAGING = 'restoring-';
const STALE_STAGING = new RegExp(`^${STAGING}`);

/** In the data folder while the files are put in place. */
const RestoreMarker = Type.Object({
  /** The folder for what was there before. */
  aside: Type.String({ pattern: '^before-restore-[0-9TZ-]+$' }),
  /** What was there before. */
  names: Type.Array(Type.String({ pattern: REPLACED_FILES.source }), { maxItems: 1000 }),
});
type RestoreMarker = Static<typeof RestoreMarker>;

const checkMarker = createValidator(RestoreMarker);

/** @throws BackupFailure; StartFailure 69 while anybody uses the data folder */
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

/** That of a restore which did not end, or a new one. @throws BackupFailure 64 when databases are there and are to stay */
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

/** Copies a file of the backup beside its place, and looks whether it is as it was written. */
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

/** While the mark is there no Daybook starts: whatever ends this, nobody sees old files beside new ones. */
async function install(folder: string, staging: string, { files }: Manifest, marker: RestoreMarker): Promise<void> {
  const path = join(folder, RESTORE_MARKER);
  await writeDurably(`${path}.new`, JSON.stringify(marker));
  await rename(`${path}.new`, path);
  await syncFolder(folder);
  if (marker.names.length > 0) await moveAside(folder, marker);
  // What a restore that did not end put in place.
  for (const name of await entries(folder, REPLACED_FILES)) await rm(join(folder, name));
  for (const { name } of files) await rename(join(staging, name), join(folder, name));
  await syncFolder(folder);
  await rm(path);
  await syncFolder(folder);
}

/** A restore that did not end may have put aside some, and its own in the place of those. */
async function moveAside(folder: string, marker: RestoreMarker): Promise<void> {
  const aside = join(folder, marker.aside);
  await mkdir(aside, { recursive: true, mode: 0o700 });
  for (const name of marker.names) {
    if (!(await exists(join(aside, name)))) await rename(join(folder, name), join(aside, name));
  }
  await syncFolder(aside);
  await syncFolder(folder);
}
