import { createSharedTables, type DatabaseDialect } from '@daybook/database';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

export const patients = (dialect: DatabaseDialect): Migration => ({
  async up(db: Kysely<never>) {
    const { types, clustered } = dialect;
    await clustered(
      db.schema
        .createTable('patients')
        .addColumn('id', types.id, (column) => column.primaryKey().notNull())
        .addColumn('given_name', types.text(100), (column) => column.notNull())
        .addColumn('family_name', types.text(100), (column) => column.notNull())
        .addColumn('birth_date', types.text(10), (column) => column.notNull())
        .addColumn('active', types.integer, (column) => column.notNull())
        .addColumn('details', types.longText, (column) => column.notNull())
        .addColumn('version', types.integer, (column) => column.notNull())
        .addColumn('created_at', types.instant, (column) => column.notNull())
        .addColumn('updated_at', types.instant, (column) => column.notNull()),
    ).execute();
    await db.schema.createIndex('patients_by_birth_date').on('patients').columns(['birth_date', 'id']).execute();
    await clustered(
      db.schema
        .createTable('patient_identifiers')
        .addColumn('system', types.text(200), (column) => column.notNull())
        .addColumn('value', types.text(100), (column) => column.notNull())
        .addColumn('patient_id', types.id, (column) => column.notNull().references('patients.id'))
        .addPrimaryKeyConstraint('patient_identifiers_pk', ['system', 'value']),
    ).execute();
    await db.schema.createIndex('patient_identifiers_of').on('patient_identifiers').column('patient_id').execute();
    await clustered(
      db.schema
        .createTable('patient_search_terms')
        .addColumn('term', types.text(255), (column) => column.notNull())
        .addColumn('patient_id', types.id, (column) => column.notNull().references('patients.id'))
        .addPrimaryKeyConstraint('patient_search_terms_pk', ['term', 'patient_id']),
    ).execute();
    await db.schema.createIndex('patient_search_terms_of').on('patient_search_terms').column('patient_id').execute();
    await createSharedTables(db, dialect);
  },
});
