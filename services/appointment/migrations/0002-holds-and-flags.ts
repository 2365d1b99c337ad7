import type { DatabaseDialect } from '@daybook/database';
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** A reservation is held by an appointment, or for a few minutes by a hold. */
async function createHolds(db: Kysely<never>, { types, clustered }: DatabaseDialect): Promise<void> {
  await db.schema.alterTable('reservations').renameColumn('appointment_id', 'holder_id').execute();
  await db.schema.alterTable('reservations').addColumn('expires_at', types.instant).execute();
  await clustered(
    db.schema
      .createTable('holds')
      .addColumn('id', types.id, (column) => column.primaryKey().notNull())
      .addColumn('doctor_id', types.id, (column) => column.notNull())
      .addColumn('appointment_type_id', types.id, (column) => column.notNull().references('appointment_types.id'))
      .addColumn('starts_at', types.instant, (column) => column.notNull())
      .addColumn('ends_at', types.instant, (column) => column.notNull())
      .addColumn('expires_at', types.instant, (column) => column.notNull())
      .addColumn('caller_id', types.text(100), (column) => column.notNull()),
  ).execute();
  await db.schema.createIndex('holds_by_expiry').on('holds').column('expires_at').execute();
  await db.schema.createIndex('holds_by_caller').on('holds').columns(['caller_id', 'expires_at']).execute();
}

async function addFlags(db: Kysely<never>, { types }: DatabaseDialect): Promise<void> {
  await db.schema
    .alterTable('appointments')
    .addColumn('needs_rescheduling', types.integer, (column) => column.notNull().defaultTo(sql`0`))
    .execute();
  await db.schema.alterTable('appointments').addColumn('rescheduling_reasons', types.text(200)).execute();
  await db.schema
    .createIndex('appointments_by_need')
    .on('appointments')
    .columns(['needs_rescheduling', 'starts_at', 'id'])
    .execute();
}

/** What this service was told of patients and doctors, and whose appointments it has to look at again because of that. */
async function createPeople(db: Kysely<never>, { types, clustered }: DatabaseDialect): Promise<void> {
  await clustered(
    db.schema
      .createTable('person_versions')
      .addColumn('person_id', types.id, (column) => column.primaryKey().notNull())
      .addColumn('version', types.integer, (column) => column.notNull()),
  ).execute();
  await clustered(
    db.schema
      .createTable('rechecks')
      .addColumn('person_id', types.id, (column) => column.primaryKey().notNull())
      .addColumn('kind', types.text(10), (column) => column.notNull())
      .addColumn('version', types.integer, (column) => column.notNull())
      .addColumn('attempts', types.integer, (column) => column.notNull())
      .addColumn('due_at', types.instant, (column) => column.notNull()),
  ).execute();
  await db.schema.createIndex('rechecks_by_time').on('rechecks').column('due_at').execute();
}

export const holdsAndFlags = (dialect: DatabaseDialect): Migration => ({
  async up(db: Kysely<never>) {
    await createHolds(db, dialect);
    await addFlags(db, dialect);
    await createPeople(db, dialect);
  },
});
