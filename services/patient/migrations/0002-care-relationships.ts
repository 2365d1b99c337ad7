import { createTable, type DatabaseDialect } from '@daybook/database';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

export const careRelationships = (dialect: DatabaseDialect): Migration => ({
  async up(db: Kysely<never>) {
    const { types, clustered } = dialect;
    await createTable(
      db,
      dialect,
      'care_relationships',
      (table) =>
        clustered(
          table
            .addColumn('source_id', types.id, (column) => column.primaryKey().notNull())
            .addColumn('doctor_id', types.id, (column) => column.notNull())
            .addColumn('patient_id', types.id, (column) => column.notNull())
            .addColumn('active', types.integer, (column) => column.notNull())
            .addColumn('ends_at', types.instant, (column) => column.notNull())
            .addColumn('sequence', types.integer, (column) => column.notNull()),
        ),
      {
        care_relationships_of: ['doctor_id', 'active', 'patient_id', 'ends_at'],
        care_relationships_age: ['ends_at'],
      },
    );
    await createTable(db, dialect, 'emergency_accesses', (table) =>
      clustered(
        table
          .addColumn('id', types.id, (column) => column.primaryKey().notNull())
          .addColumn('doctor_id', types.id, (column) => column.notNull())
          .addColumn('patient_id', types.id, (column) => column.notNull())
          .addColumn('caller_id', types.text(100), (column) => column.notNull())
          .addColumn('reason', types.longText, (column) => column.notNull())
          .addColumn('starts_at', types.instant, (column) => column.notNull())
          .addColumn('ends_at', types.instant, (column) => column.notNull()),
      ),
    );
  },
});
