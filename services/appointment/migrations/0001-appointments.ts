import { createSharedTables, type DatabaseDialect } from '@daybook/database';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

async function createAppointmentTypes(db: Kysely<never>, { types, clustered }: DatabaseDialect): Promise<void> {
  await clustered(
    db.schema
      .createTable('appointment_types')
      .addColumn('id', types.id, (column) => column.primaryKey().notNull())
      .addColumn('name', types.text(100), (column) => column.notNull().unique())
      .addColumn('duration_minutes', types.integer, (column) => column.notNull())
      .addColumn('buffer_before_minutes', types.integer, (column) => column.notNull())
      .addColumn('buffer_after_minutes', types.integer, (column) => column.notNull())
      .addColumn('minimum_notice_minutes', types.integer, (column) => column.notNull())
      .addColumn('planning_horizon_days', types.integer, (column) => column.notNull())
      .addColumn('cancellation_deadline_minutes', types.integer, (column) => column.notNull())
      .addColumn('capacity', types.integer, (column) => column.notNull())
      .addColumn('active', types.integer, (column) => column.notNull())
      .addColumn('version', types.integer, (column) => column.notNull())
      .addColumn('created_at', types.instant, (column) => column.notNull())
      .addColumn('updated_at', types.instant, (column) => column.notNull()),
  ).execute();
}

async function createAppointments(db: Kysely<never>, { types, clustered }: DatabaseDialect): Promise<void> {
  await clustered(
    db.schema
      .createTable('appointments')
      .addColumn('id', types.id, (column) => column.primaryKey().notNull())
      .addColumn('patient_id', types.id, (column) => column.notNull())
      .addColumn('doctor_id', types.id, (column) => column.notNull())
      .addColumn('appointment_type_id', types.id, (column) => column.notNull().references('appointment_types.id'))
      .addColumn('starts_at', types.instant, (column) => column.notNull())
      .addColumn('ends_at', types.instant, (column) => column.notNull())
      .addColumn('time_zone', types.text(64), (column) => column.notNull())
      .addColumn('status', types.text(20), (column) => column.notNull())
      .addColumn('sequence', types.integer, (column) => column.notNull())
      .addColumn('reason', types.text(500))
      .addColumn('version', types.integer, (column) => column.notNull())
      .addColumn('created_at', types.instant, (column) => column.notNull())
      .addColumn('updated_at', types.instant, (column) => column.notNull()),
  ).execute();
  for (const who of ['patient_id', 'doctor_id'] as const) {
    await db.schema
      .createIndex(`appointments_by_${who}`)
      .on('appointments')
      .columns([who, 'starts_at', 'id'])
      .execute();
  }
  await db.schema.createIndex('appointments_by_start').on('appointments').columns(['starts_at', 'id']).execute();
  await clustered(
    db.schema
      .createTable('appointment_history')
      .addColumn('appointment_id', types.id, (column) => column.notNull().references('appointments.id'))
      .addColumn('version', types.integer, (column) => column.notNull())
      .addColumn('entry', types.longText, (column) => column.notNull())
      .addPrimaryKeyConstraint('appointment_history_pk', ['appointment_id', 'version']),
  ).execute();
}

/** The primary key is what refuses a double booking: nobody has one seat of one cell twice. */
async function createReservations(db: Kysely<never>, { types, clustered }: DatabaseDialect): Promise<void> {
  await clustered(
    db.schema
      .createTable('reservations')
      .addColumn('resource_id', types.id, (column) => column.notNull())
      .addColumn('cell', types.integer, (column) => column.notNull())
      .addColumn('seat', types.integer, (column) => column.notNull())
      .addColumn('capacity', types.integer, (column) => column.notNull())
      .addColumn('appointment_id', types.id, (column) => column.notNull())
      .addPrimaryKeyConstraint('reservations_pk', ['resource_id', 'cell', 'seat']),
  ).execute();
  await db.schema.createIndex('reservations_of').on('reservations').column('appointment_id').execute();
}

export const appointments = (dialect: DatabaseDialect): Migration => ({
  async up(db: Kysely<never>) {
    await createAppointmentTypes(db, dialect);
    await createAppointments(db, dialect);
    await createReservations(db, dialect);
    await createSharedTables(db, dialect);
  },
});
