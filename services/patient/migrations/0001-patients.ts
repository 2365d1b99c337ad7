import { createSharedTables, createTable, type DatabaseDialect } from '@daybook/database';
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
          .addColumn('given_name', types.text(100), (column) => column.notNull())
          .addColumn('family_name', types.text(100), (column) => column.notNull())
          .addColumn('birth_date', types.text(10), (column) => column.notNull())
          .addColumn('name_key', types.id, (column) => column.notNull())
          .addColumn('active', types.integer, (column) => column.notNull())
          .addColumn('replaced_by', types.id)
          .addColumn('details', types.longText, (column) => column.notNull())
          .addColumn('version', types.integer, (column) => column.notNull())
          .addColumn('created_at', types.instant, (column) => column.notNull())
          .addColumn('updated_at', types.instant, (column) => column.notNull()),
      ),
    { patients_by_birth_date: ['birth_date', 'id'], patients_by_name_key: ['name_key', 'id'] },
  );
}

/** What is derived from a patient: identifiers, which are a key, and search terms. */
async function createDerived(db: Kysely<never>, dialect: DatabaseDialect): Promise<void> {
  const { types, clustered } = dialect;
  await createTable(
    db,
    dialect,
    'patient_identifiers',
    (table) =>
      clustered(
        table
          .addColumn('system', types.text(200), (column) => column.notNull())
          .addColumn('value', types.text(100), (column) => column.notNull())
          .addColumn('patient_id', types.id, (column) => column.notNull())
          .addPrimaryKeyConstraint('patient_identifiers_pk', ['system', 'value'])
          .addForeignKeyConstraint('patient_identifiers_patient', ['patient_id'], 'patients', ['id']),
      ),
    { patient_identifiers_of: ['patient_id'] },
  );
  await createTable(
    db,
    dialect,
    'patient_search_terms',
    (table) =>
      clustered(
        table
          .addColumn('term', types.text(255), (column) => column.notNull())
          .addColumn('patient_id', types.id, (column) => column.notNull())
          .addColumn('of_id', types.id, (column) => column.notNull())
          .addPrimaryKeyConstraint('patient_search_terms_pk', ['term', 'patient_id', 'of_id'])
          .addForeignKeyConstraint('patient_search_terms_patient', ['of_id'], 'patients', ['id']),
      ),
    { patient_search_terms_of: ['of_id'] },
  );
}

/** Records of one person: the key of names that are alike, and what was merged into what. */
async function createMerges(db: Kysely<never>, dialect: DatabaseDialect): Promise<void> {
  const { types, clustered } = dialect;
  await createTable(db, dialect, 'name_keys', (table) =>
    clustered(
      table
        .addColumn('name_key', types.id, (column) => column.primaryKey().notNull())
        .addColumn('holders', types.integer, (column) => column.notNull()),
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
    await createDerived(db, dialect);
    await createMerges(db, dialect);
    await createSharedTables(db, dialect);
  },
});
