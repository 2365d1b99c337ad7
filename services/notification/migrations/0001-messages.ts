import { createSharedTables, createTable, type DatabaseDialect } from '@daybook/database';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

export const messages = (dialect: DatabaseDialect): Migration => ({
  async up(db: Kysely<never>) {
    const { types, clustered } = dialect;
    await createTable(
      db,
      dialect,
      'messages',
      (table) =>
        clustered(
          table
            .addColumn('id', types.id, (column) => column.primaryKey().notNull())
            .addColumn('appointment_id', types.id, (column) => column.notNull())
            .addColumn('patient_id', types.id, (column) => column.notNull())
            .addColumn('kind', types.text(30), (column) => column.notNull())
            .addColumn('channel', types.text(30), (column) => column.notNull())
            .addColumn('status', types.text(30), (column) => column.notNull())
            .addColumn('created_at', types.instant, (column) => column.notNull())
            .addColumn('sequence', types.integer, (column) => column.notNull()),
        ),
      { messages_of: ['appointment_id', 'sequence', 'id'] },
    );
    await createTable(db, dialect, 'appointment_patients', (table) =>
      clustered(
        table
          .addColumn('appointment_id', types.id, (column) => column.primaryKey().notNull())
          .addColumn('patient_id', types.id, (column) => column.notNull())
          .addColumn('sequence', types.integer, (column) => column.notNull()),
      ),
    );
    await createSharedTables(db, dialect);
  },
});
