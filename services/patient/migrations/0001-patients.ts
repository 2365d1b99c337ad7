import { createSearchTable, createSharedTables, createTable, type DatabaseDialect } from '@daybook/database';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

async function createPatients(db: Kysely<never>, dialect: DatabaseDialect): Promise<void> {
  const { types, clustered } = dialect;
  await createTable(
    db,
    dialect,
    'patients',
    (table) =>
      clustered(
        table
          .addColumn('id', types.id, (column) => column.primaryKey().notNull())
          .addColumn('given_name', types.text(100))
          .addColumn('family_name', types.text(100), (column) => column.notNull())
          .addColumn('birth_date', types.text(10), (column) => column.notNull())
          .addColumn('name_key', types.id, (column) => column.notNull())
          .addColumn('joined_name_key', types.id, (column) => column.notNull())
          .addColumn('active', types.integer, (column) => column.notNull())
          .addColumn('replaced_by', types.id)
          .addColumn('details', types.longText, (column) => column.notNull())
          .addColumn('version', types.integer, (column) => column.notNull())
          .addColumn('created_at', types.instant, (column) => column.notNull())
          .addColumn('updated_at', types.instant, (column) => column.notNull()),
      ),
    {
      patients_by_birth_date: ['birth_date', 'id'],
      patients_by_name_key: ['name_key', 'id'],
      patients_by_joined_name_key: ['joined_name_key', 'id'],
    },
  );
}

/** Creates the identifiers, which are a key. */
async function createIdentifiers(db: Kysely<never>, dialect: DatabaseDialect): Promise<void> {
  const { types, clustered } = dialect;
  await createTable(
    db,
    dialect,
    'patient_identifiers',
    (table) =>
      clustered(
        table
          .addColumn('system', types.text(200), (column) => column.notNull())
          .addColumn('value_key', types.text(400), (column) => column.notNull())
          .addColumn('patient_id', types.id, (column) => column.notNull())
          .addPrimaryKeyConstraint('patient_identifiers_pk', ['system', 'value_key'])
          .addForeignKeyConstraint('patient_identifiers_patient', ['patient_id'], 'patients', ['id']),
      ),
    { patient_identifiers_of: ['patient_id'] },
  );
}

/** Creates the keys of similar names, and the merges of records. */
async function createMerges(db: Kysely<never>, dialect: DatabaseDialect): Promise<void> {
  const { types, clustered } = dialect;
  await createTable(db, dialect, 'name_keys', (table) =>
    clustered(
      table
        .addColumn('name_key', types.id, (column) => column.primaryKey().notNull())
        .addColumn('record_count', types.integer, (column) => column.notNull()),
    ),
  );
  await createTable(
    db,
    dialect,
    'patient_merges',
    (table) =>
      clustered(
        table
          .addColumn('patient_id', types.id, (column) => column.primaryKey().notNull())
          .addColumn('merged_into', types.id, (column) => column.notNull())
          .addForeignKeyConstraint('patient_merges_patient', ['patient_id'], 'patients', ['id'])
          .addForeignKeyConstraint('patient_merges_survivor', ['merged_into'], 'patients', ['id']),
      ),
    { patient_merges_into: ['merged_into'] },
  );
  await createTable(db, dialect, 'patient_merge_history', (table) =>
    clustered(
      table
        .addColumn('patient_id', types.id, (column) => column.notNull())
        .addColumn('version', types.integer, (column) => column.notNull())
        .addColumn('entry', types.longText, (column) => column.notNull())
        .addPrimaryKeyConstraint('patient_merge_history_pk', ['patient_id', 'version'])
        .addForeignKeyConstraint('patient_merge_history_of', ['patient_id'], 'patients', ['id']),
    ),
  );
}

export const patients = (dialect: DatabaseDialect): Migration => ({
  async up(db: Kysely<never>) {
    await createPatients(db, dialect);
    await createIdentifiers(db, dialect);
    await createSearchTable(db, dialect, 'patients');
    await createMerges(db, dialect);
    await createSharedTables(db, dialect);
  },
});
