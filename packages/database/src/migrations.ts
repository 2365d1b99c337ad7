import type { Kysely } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import type { DatabaseDialect } from './dialect.ts';
import { DatabaseUnusable } from './unavailable.ts';

/** A service's migrations by name (`0001-patients`), written with the types of the dialect at hand. */
export type Migrations = (dialect: DatabaseDialect) => Record<string, Migration>;

/**
 * Runs what has not run yet. The caller sees to it that nobody else does so at the same time.
 * @throws DatabaseUnusable when the database has migrations that this code does not know: it is newer
 */
export async function migrate<Tables>(db: Kysely<Tables>, migrations: Record<string, Migration>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } });
  const { error } = await migrator.migrateToLatest();
  if (error instanceof Error && /previously executed migration .* is missing/.test(error.message)) {
    throw new DatabaseUnusable(
      'The database was written by a newer Daybook. Start that version, or restore a backup.',
      {
        cause: error,
      },
    );
  }
  if (error !== undefined) throw error;
}
