/** Copies every embedded database into a folder, as of one moment, while Daybook runs. */
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { databaseFiles, isEmptyDataFolder, joinDataFolder } from '@daybook/launcher/data-folder';
import { EXIT } from '@daybook/service';
import { BackupFailure, checkPages, mapIoError } from './backup-failure.ts';
import { exists, syncAndHashFile, syncFolder } from './files.ts';
import { type BackedUpFile, type Manifest, manifestOf, writeManifest } from './manifest.ts';
import { openSnapshot, type Snapshot } from './snapshot.ts';

export interface BackupOptions {
  readonly dataFolder: string;
  /** A folder that does not exist yet. */
  readonly target: string;
  /** The version of Daybook. */
  readonly version: string;
  /** Aborts the backup and removes its files. */
  readonly signal: AbortSignal;
}

export interface BackupReport {
  readonly manifest: Manifest;
  /** The longest time that a writer can have waited. */
  readonly waitMillis: number;
}

/**
 * Makes a backup.
 * @throws BackupFailure; StartFailure while a restore is running or unfinished
 */
export async function makeBackup(options: BackupOptions): Promise<BackupReport> {
  const { dataFolder, target } = options;
  if (!(await mapIoError(`The data folder ${dataFolder} cannot be read`, () => exists(dataFolder)))) {
    throw new BackupFailure(EXIT.unavailable, `There is no data folder ${dataFolder}. Set DAYBOOK_DATA.`);
  }
  using _sharedLock = joinDataFolder(dataFolder);
  if (await isEmptyDataFolder(dataFolder)) {
    throw new BackupFailure(EXIT.unavailable, `There is no database in the data folder ${dataFolder}.`);
  }
  return mapIoError(`The backup ${target} cannot be written`, () => writeFolder(options));
}

/** Writes under another name until all files are on the disk. */
async function writeFolder(options: BackupOptions): Promise<BackupReport> {
  const target = resolve(options.target);
  if (await exists(target))
    throw new BackupFailure(EXIT.usage, `${options.target} is there already. Name a new folder.`);
  const parent = dirname(target);
  await mkdir(parent, { recursive: true, mode: 0o700 });
  const unfinished = await mkdtemp(`${target}.unfinished-`);
  try {
    const report = await fillFolder(unfinished, options);
    await syncFolder(unfinished);
    await rename(unfinished, target);
    await syncFolder(parent);
    return report;
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  }
}

async function fillFolder(folder: string, { dataFolder, version, signal }: BackupOptions): Promise<BackupReport> {
  const names = await databaseFiles(dataFolder);
  const pathOf = (name: string) => join(dataFolder, name);
  using snapshot = await mapIoError(`The databases in ${dataFolder} cannot be read`, () =>
    openSnapshot(names.map(pathOf), signal),
  );
  const files: BackedUpFile[] = [];
  for (const name of names) files.push(await copyOne(snapshot, pathOf(name), folder, name, signal));
  const manifest = manifestOf(version, snapshot.instant, files);
  await writeManifest(folder, manifest);
  return { manifest, waitMillis: snapshot.waitMillis };
}

async function copyOne(
  snapshot: Snapshot,
  path: string,
  folder: string,
  name: string,
  signal: AbortSignal,
): Promise<BackedUpFile> {
  const copy = join(folder, name);
  await snapshot.copy(path, copy, signal);
  const content = await syncAndHashFile(copy, signal);
  checkPages(copy, `${path} is broken, too. Restore an older backup.`);
  return { name, ...content };
}
