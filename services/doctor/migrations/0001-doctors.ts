import { createSharedTables, type DatabaseDialect } from '@daybook/database';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

export const doctors = (dialect: DatabaseDialect): Migration => ({
  async up(db: Kysely<never>) {
    const { types, clustered } = dialect;
    await clustered(
      db.schema
        .createTable('doctors')
        .addColumn('id', types.id, (column) => column.primaryKey().notNull())
        .addColumn('given_name', types.text(100), (column) => column.notNull())
        .addColumn('family_name', types.text(100), (column) => column.notNull())
        .addColumn('time_zone', types.text(64), (column) => column.notNull())
        .addColumn('active', types.integer, (column) => column.notNull())
        .addColumn('details', types.longText, (column) => column.notNull())
        .addColumn('version', types.integer, (column) => column.notNull())
        .addColumn('created_at', types.instant, (column) => column.notNull())
        .addColumn('updated_at', types.instant, (column) => column.notNull()),
    ).execute();
    await clustered(
      db.schema
        .createTable('doctor_specialties')
        .addColumn('specialty', types.text(100), (column) => column.notNull())
        .addColumn('doctor_id', types.id, (column) => column.notNull().references('doctors.id'))
        .addPrimaryKeyConstraint('doctor_specialties_pk', ['specialty', 'doctor_id']),
    ).execute();
    await db.schema.createIndex('doctor_specialties_of').on('doctor_specialties').column('doctor_id').execute();
    await clustered(
      db.schema
        .createTable('doctor_search_terms')
        .addColumn('term', types.text(255), (column) => column.notNull())
        .addColumn('doctor_id', types.id, (column) => column.notNull().references('doctors.id'))
        .addPrimaryKeyConstraint('doctor_search_terms_pk', ['term', 'doctor_id']),
    ).execute();
    await db.schema.createIndex('doctor_search_terms_of').on('doctor_search_terms').column('doctor_id').execute();
    await clustered(
      db.schema
        .createTable('schedules')
        .addColumn('doctor_id', types.id, (column) => column.primaryKey().notNull().references('doctors.id'))
        .addColumn('time_zone', types.text(64), (column) => column.notNull())
        .addColumn('weekly_hours', types.longText, (column) => column.notNull())
        .addColumn('version', types.integer, (column) => column.notNull())
        .addColumn('updated_at', types.instant, (column) => column.notNull()),
    ).execute();
    await createSharedTables(db, dialect);
  },
});
