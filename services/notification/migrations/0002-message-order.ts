import type { DatabaseDialect } from '@daybook/database';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Messages that are there already have no number: they come first, as they were written. */
export const messageOrder = (dialect: DatabaseDialect): Migration => ({
  async up(db: Kysely<never>) {
    await db.schema
      .alterTable('messages')
      .addColumn('sequence', dialect.types.integer, (column) => column.notNull().defaultTo(0))
      .execute();
  },
});
