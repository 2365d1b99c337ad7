import type { Kysely } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { DatabaseUnusable } from './database.ts';
import type { DatabaseDialect } from './dialect.ts';

/** A service's migrations by name (`0001-patients`), written with the types of the dialect at hand. */
export type Migrations = (dialect: DatabaseDialect) => Record<string, Migration>;

/**
 * Runs what has not run yet, once, however many instances start together: all in one transaction, which is the lock.
 * @throws DatabaseUnusable when the database has migrations that this code does not know: it is newer
 */
export async function migrate<Tables>(kysely: Kysely<Tables>, migrations: Record<string, Migration>): Promise<void> {
  await kysely.transaction().execute(async (transaction) => {
    const migrator = new Migrator({ db: transaction, provider: { getMigrations: async () => migrations } });
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
  });
}
