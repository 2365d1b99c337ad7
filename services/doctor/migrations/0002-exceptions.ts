import type { DatabaseDialect } from '@daybook/database';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

export const exceptions = ({ types, clustered }: DatabaseDialect): Migration => ({
  async up(db: Kysely<never>) {
    await clustered(
      db.schema
        .createTable('schedule_exceptions')
        .addColumn('id', types.id, (column) => column.primaryKey().notNull())
        .addColumn('doctor_id', types.id, (column) => column.notNull().references('doctors.id'))
        .addColumn('kind', types.text(20), (column) => column.notNull())
        .addColumn('starts_at', types.instant, (column) => column.notNull())
        .addColumn('ends_at', types.instant, (column) => column.notNull())
        .addColumn('reason', types.text(500))
        .addColumn('created_at', types.instant, (column) => column.notNull()),
    ).execute();
    // For the list, and for what overlaps a range: since no exception is longer than 366 days, starts alone bound that.
    await db.schema
      .createIndex('schedule_exceptions_by_doctor')
      .on('schedule_exceptions')
      .columns(['doctor_id', 'starts_at', 'id'])
      .execute();
  },
});
