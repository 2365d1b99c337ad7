import { createTable, type DatabaseDialect } from '@daybook/database';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Adds the erasure of a patient's data, and the changes of contacts. */
export const erasure = (dialect: DatabaseDialect): Migration => ({
  async up(db: Kysely<never>) {
    const { types, clustered } = dialect;
    await db.schema.alterTable('patients').addColumn('erased_at', types.instant).execute();
    await db.schema.alterTable('patients').addColumn('erasure_basis', types.text(30)).execute();
    await createTable(db, dialect, 'erased_identifiers', (table) =>
      clustered(
        table
          .addColumn('identifier_hash', types.bytes, (column) => column.primaryKey().notNull())
          .addColumn('patient_id', types.id, (column) => column.notNull()),
      ),
    );
    await createTable(
      db,
      dialect,
      'contact_changes',
      (table) =>
        clustered(
          table
            .addColumn('id', types.id, (column) => column.primaryKey().notNull())
            .addColumn('patient_id', types.id, (column) => column.notNull())
            .addColumn('former_email', types.text(254))
            .addColumn('language', types.text(35))
            .addColumn('changed_at', types.instant, (column) => column.notNull()),
        ),
      { contact_changes_of: ['patient_id', 'changed_at'], contact_changes_age: ['changed_at'] },
    );
    await db.schema
      .createIndex('emergency_accesses_of')
      .on('emergency_accesses')
      .columns(['patient_id', 'starts_at'])
      .execute();
    await db.schema
      .createIndex('care_relationships_of_patient')
      .on('care_relationships')
      .columns(['patient_id', 'active', 'ends_at'])
      .execute();
  },
});
