import type { Kysely } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import type { DatabaseDialect } from './dialect.ts';
import { DatabaseUnusable } from './errors.ts';
import { withDigests } from './migration-digests.ts';

/** Returns a service's migrations by name (`0001-patients`), written with the types of the given dialect. */
export type Migrations = (dialect: DatabaseDialect) => Record<string, Migration>;

/** The message of Kysely's migrator about a recorded migration that the code does not have. */
const MISSING = /previously executed migration (?<migration>[^.\s]+)\S* is missing/;

/**
 * Runs pending migrations. The caller must ensure that no other process migrates simultaneously. `shown` names the
 * database for people.
 * @throws DatabaseUnusable when the database has migrations that this code lacks: it is newer, or they were edited
 */
export async function migrate<Tables>(
  db: Kysely<Tables>,
  migrations: Record<string, Migration>,
  shown: string,
): Promise<void> {
  const named = await withDigests(db, migrations);
  const migrator = new Migrator({ db, provider: { getMigrations: async () => named } });
  const { error } = await migrator.migrateToLatest();
  const missing = error instanceof Error ? MISSING.exec(error.message)?.groups?.migration : undefined;
  if (missing === undefined) {
    if (error !== undefined) throw error;
    return;
  }
  const message = Object.hasOwn(migrations, missing) ? editedSince(missing, shown) : writtenByNewer(shown);
  throw new DatabaseUnusable(message, { cause: error });
}

const writtenByNewer = (shown: string): string =>
  `The database ${shown} was written by a newer Daybook. Start that version, or restore a backup.`;

const editedSince = (migration: string, shown: string): string =>
  `The tables of the database ${shown} were made by another version of the migration ${migration}: by a Daybook from before the ` +
  'first release, or by a copy with other tables. Start the version that made them, restore a backup of this version, or move the ' +
  'data folder away (on a server, the databases of all services): Daybook then starts with an empty one.';
