/** Describes the result in words. */
import type { BackupReport } from './backup.ts';
import type { RestoreReport } from './restore.ts';

const databases = (count: number): string => (count === 1 ? '1 database' : `${count} databases`);

export function describeBackup(target: string, { manifest: { files, instant }, waitMillis }: BackupReport): string {
  const megabytes = (files.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6).toFixed(1);
  const wait = `no writer waited longer than ${Math.ceil(waitMillis)} ms`;
  return `Backed up ${databases(files.length)} (${megabytes} MB) as of ${instant} to ${target}; ${wait}.`;
}

export function describeRestore(target: string, { manifest: { files, instant }, aside }: RestoreReport): string {
  const done = `Restored ${databases(files.length)} as of ${instant} into ${target}.`;
  return aside === undefined ? done : `${done}\nWhat was there is kept in ${aside}.`;
}
