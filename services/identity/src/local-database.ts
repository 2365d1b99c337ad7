/** Opens the identity database of this machine for a command, which never creates one. */
import { access } from 'node:fs/promises';
import { type Database, openDatabase } from '@daybook/database';
import { databaseUrlOf, EXIT, StartFailure } from '@daybook/service';
import { migrations } from '../migrations/index.ts';
import type { IdentityConfig } from './config.ts';
import type { IdentityTables } from './store/tables.ts';

const SQLITE = 'sqlite:';

/** @throws StartFailure 69 when Daybook has never started there; DatabaseUnavailable */
export async function openLocalDatabase(config: IdentityConfig): Promise<Database<IdentityTables>> {
  const url = databaseUrlOf(config, 'identity');
  if (url.startsWith(SQLITE)) {
    try {
      await access(url.slice(SQLITE.length));
    } catch (error) {
      const advice = 'Start Daybook first (npm start), or set DAYBOOK_DATA.';
      throw new StartFailure(EXIT.unavailable, `The data folder ${config.DAYBOOK_DATA} has no accounts. ${advice}`, {
        cause: error,
      });
    }
  }
  return openDatabase<IdentityTables>(url, migrations);
}
