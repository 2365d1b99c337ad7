import type { Kysely } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { DatabaseUnusable } from './database.ts';
import type { DatabaseDialect } from './dialect.ts';

/** A service's migrations by name (`0001-patients`), written with the types of the dialect at hand. */
export type Migrations = (dialect: DatabaseDialect) => Record<string, Migration>;

/**
 * Runs what has not run yet, once, however many instances start together (under the database's own lock).
 * @throws DatabaseUnusable when the database has migrations that this code does not know: it is newer
 */
export async function migrate<Tables>(kysely: Kysely<Tables>, migrations: Record<string, Migration>): Promise<void> {
  const migrator = new Migrator({ db: kysely, provider: { getMigrations: async () => migrations } });
  const applied = (await migrator.getMigrations()).filter((migration) => migration.executedAt !== undefined);
  if (applied.length === Object.keys(migrations).length && applied.every(({ name }) => name in migrations)) return;
  const { error } = await migrator.migrateToLatest();
  if (error === undefined) return;
  if (error instanceof Error && /previously executed migration .* is missing/.test(error.message)) {
    throw new DatabaseUnusable(
      'The database was written by a newer Daybook. Start that version, or restore a backup.',
      {
        cause: error,
      },
    );
  }
  throw error;
}
