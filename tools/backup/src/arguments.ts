import { parseArgs } from 'node:util';
import { EXIT } from '@daybook/service';
import { BackupFailure } from './backup-failure.ts';

const BACKUP_USAGE = 'Usage: npm run backup -- FOLDER, where FOLDER is new.';
const RESTORE_USAGE = 'Usage: npm run restore -- FOLDER [--replace]';

interface RestoreArguments {
  readonly folder: string;
  readonly replace: boolean;
}

function parse(argv: readonly string[], usage: string, allowReplace: boolean): RestoreArguments {
  try {
    const { positionals, values } = parseArgs({
      args: [...argv],
      options: allowReplace ? { replace: { type: 'boolean' } } : {},
      allowPositionals: true,
    });
    const [folder] = positionals;
    if (folder === undefined || folder === '' || positionals.length > 1) throw new BackupFailure(EXIT.usage, usage);
    return { folder, replace: values.replace === true };
  } catch (error) {
    throw error instanceof BackupFailure ? error : new BackupFailure(EXIT.usage, usage, { cause: error });
  }
}

/**
 * Parses the arguments of a backup.
 * @throws BackupFailure 64
 */
export const parseBackupArguments = (argv: readonly string[]): string => parse(argv, BACKUP_USAGE, false).folder;

/**
 * Parses the arguments of a restore.
 * @throws BackupFailure 64
 */
export const parseRestoreArguments = (argv: readonly string[]): RestoreArguments => parse(argv, RESTORE_USAGE, true);
