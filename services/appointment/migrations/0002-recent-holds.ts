import { createTable, type DatabaseDialect } from '@daybook/database';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Adds the holds of the last hour of each patient's account, which the limit counts. */
export const recentHolds = (dialect: DatabaseDialect): Migration => ({
  async up(db: Kysely<never>) {
    const { types, clustered } = dialect;
    await createTable(
      db,
      dialect,
      'recent_holds',
      (table) =>
        clustered(
          table
            .addColumn('caller_id', types.text(100), (column) => column.notNull())
            .addColumn('ordinal', types.integer, (column) => column.notNull())
            .addColumn('held_at', types.instant, (column) => column.notNull())
            .addPrimaryKeyConstraint('recent_holds_pk', ['caller_id', 'ordinal']),
        ),
      { recent_holds_by_time: ['held_at'] },
    );
  },
});
