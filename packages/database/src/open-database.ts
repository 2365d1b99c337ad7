import type { Database } from './database.ts';
import { DatabaseUnusable } from './errors.ts';
import type { Migrations } from './migrations.ts';

/**
 * Opens the database that `url` names (`sqlite:PATH`, `mysql://…/NAME`) and migrates it to the newest schema.
 * @throws DatabaseUnusable when it is broken, belongs to a newer Daybook, or does not accept these settings
 * @throws DatabaseUnavailable when its server does not respond (yet)
 */
export async function openDatabase<Tables>(url: string, migrations: Migrations): Promise<Database<Tables>> {
  // Loads each driver only on use, because drivers take time to start.
  if (/^sqlite:./.test(url)) return (await import('./sqlite/database.ts')).openSqlite(url, migrations);
  if (/^mysqls?:/.test(url)) return (await import('./mysql/database.ts')).openMysql(url, migrations);
  throw new DatabaseUnusable('A database is named by sqlite:PATH or mysql://HOST/NAME.');
}
