import { createSharedTables, createTable, type DatabaseDialect } from '@daybook/database';
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

async function createAppointmentTypes(db: Kysely<never>, dialect: DatabaseDialect): Promise<void> {
  const { types, clustered } = dialect;
  await createTable(db, dialect, 'appointment_types', (table) =>
    clustered(
      table
        .addColumn('id', types.id, (column) => column.primaryKey().notNull())
        .addColumn('name', types.text(100), (column) => column.notNull())
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
        .addColumn('updated_at', types.instant, (column) => column.notNull())
        .addUniqueConstraint('appointment_types_name', ['name']),
    ),
  );
}

async function createAppointments(db: Kysely<never>, dialect: DatabaseDialect): Promise<void> {
  const { types, clustered } = dialect;
  await createTable(
    db,
    dialect,
    'appointments',
    (table) =>
      clustered(
        table
          .addColumn('id', types.id, (column) => column.primaryKey().notNull())
          .addColumn('patient_id', types.id, (column) => column.notNull())
          .addColumn('doctor_id', types.id, (column) => column.notNull())
          // Has no foreign key, because types are never deleted and each booking would write one more index.
          .addColumn('appointment_type_id', types.id, (column) => column.notNull())
          .addColumn('starts_at', types.instant, (column) => column.notNull())
          .addColumn('ends_at', types.instant, (column) => column.notNull())
          .addColumn('time_zone', types.text(64), (column) => column.notNull())
          .addColumn('status', types.text(20), (column) => column.notNull())
          .addColumn('sequence', types.integer, (column) => column.notNull())
          .addColumn('reason', types.text(500))
          .addColumn('note', types.longText)
          .addColumn('version', types.integer, (column) => column.notNull())
          .addColumn('created_at', types.instant, (column) => column.notNull())
          .addColumn('updated_at', types.instant, (column) => column.notNull())
          .addColumn('needs_rescheduling', types.integer, (column) => column.notNull().defaultTo(sql`0`))
          .addColumn('rescheduling_reasons', types.text(200)),
      ),
    {
      appointments_by_patient_id: ['patient_id', 'starts_at', 'id'],
      appointments_by_doctor_id: ['doctor_id', 'starts_at', 'id'],
      appointments_by_start: ['starts_at', 'id'],
      appointments_by_status: ['status', 'starts_at', 'id'],
      appointments_by_need: ['needs_rescheduling', 'starts_at', 'id'],
    },
  );
  await createTable(db, dialect, 'appointment_history', (table) =>
    clustered(
      table
        .addColumn('appointment_id', types.id, (column) => column.notNull())
        .addColumn('version', types.integer, (column) => column.notNull())
        .addColumn('entry', types.longText, (column) => column.notNull())
        .addPrimaryKeyConstraint('appointment_history_pk', ['appointment_id', 'version'])
        .addForeignKeyConstraint('appointment_history_of', ['appointment_id'], 'appointments', ['id']),
    ),
  );
}

/**
 * Creates the table whose primary key rejects a double booking: a seat of a cell exists once.
 * An appointment holds a reservation, or a hold does for a few minutes.
 */
async function createReservations(db: Kysely<never>, dialect: DatabaseDialect): Promise<void> {
  const { types, clustered } = dialect;
  await createTable(
    db,
    dialect,
    'reservations',
    (table) =>
      clustered(
        table
          .addColumn('resource_id', types.id, (column) => column.notNull())
          .addColumn('cell', types.integer, (column) => column.notNull())
          .addColumn('seat', types.integer, (column) => column.notNull())
          // Set for the doctor's time. Has no foreign key, for the same reasons as the column of an appointment.
          .addColumn('appointment_type_id', types.id)
          .addColumn('holder_id', types.id, (column) => column.notNull())
          .addColumn('expires_at', types.instant)
          .addPrimaryKeyConstraint('reservations_pk', ['resource_id', 'cell', 'seat']),
      ),
    { reservations_of: ['holder_id'] },
  );
}

/**
 * Creates the holds. A key over `caller_id` and `ordinal` limits the holds of a patient.
 * Other callers have no ordinal and any number of holds.
 */
async function createHolds(db: Kysely<never>, dialect: DatabaseDialect): Promise<void> {
  const { types, clustered } = dialect;
  await createTable(
    db,
    dialect,
    'holds',
    (table) =>
      clustered(
        table
          .addColumn('id', types.id, (column) => column.primaryKey().notNull())
          .addColumn('doctor_id', types.id, (column) => column.notNull())
          .addColumn('appointment_type_id', types.id, (column) => column.notNull())
          .addColumn('starts_at', types.instant, (column) => column.notNull())
          .addColumn('ends_at', types.instant, (column) => column.notNull())
          .addColumn('expires_at', types.instant, (column) => column.notNull())
          .addColumn('caller_id', types.text(100), (column) => column.notNull())
          .addColumn('ordinal', types.integer)
          .addUniqueConstraint('holds_ordinals', ['caller_id', 'ordinal']),
      ),
    { holds_by_expiry: ['expires_at'] },
  );
}

/** Creates the versions of patients and doctors that events announced, and the revalidations that are due. */
async function createParticipants(db: Kysely<never>, dialect: DatabaseDialect): Promise<void> {
  const { types, clustered } = dialect;
  await createTable(db, dialect, 'participant_versions', (table) =>
    clustered(
      table
        .addColumn('participant_id', types.id, (column) => column.primaryKey().notNull())
        .addColumn('version', types.integer, (column) => column.notNull()),
    ),
  );
  await createTable(
    db,
    dialect,
    'revalidations',
    (table) =>
      clustered(
        table
          .addColumn('subject_id', types.id, (column) => column.primaryKey().notNull())
          .addColumn('kind', types.text(10), (column) => column.notNull())
          .addColumn('version', types.integer, (column) => column.notNull())
          .addColumn('attempts', types.integer, (column) => column.notNull())
          .addColumn('due_at', types.instant, (column) => column.notNull()),
      ),
    { revalidations_by_time: ['due_at'] },
  );
}

/** Creates the merges of patient records, and the appointments that were moved because of them. */
async function createMerges(db: Kysely<never>, dialect: DatabaseDialect): Promise<void> {
  const { types, clustered } = dialect;
  await createTable(
    db,
    dialect,
    'merged_patients',
    (table) =>
      clustered(
        table
          .addColumn('patient_id', types.id, (column) => column.primaryKey().notNull())
          .addColumn('merged_into', types.id)
          .addColumn('version', types.integer, (column) => column.notNull())
          .addColumn('attempts', types.integer, (column) => column.notNull())
          .addColumn('due_at', types.instant),
      ),
    { merged_patients_into: ['merged_into'], merged_patients_by_time: ['due_at'] },
  );
  await createTable(
    db,
    dialect,
    'moved_appointments',
    (table) =>
      clustered(
        table
          .addColumn('appointment_id', types.id, (column) => column.primaryKey().notNull())
          .addColumn('origin_id', types.id, (column) => column.notNull())
          .addForeignKeyConstraint('moved_appointments_of', ['appointment_id'], 'appointments', ['id']),
      ),
    { moved_appointments_from: ['origin_id'] },
  );
}

export const appointments = (dialect: DatabaseDialect): Migration => ({
  async up(db: Kysely<never>) {
    await createAppointmentTypes(db, dialect);
    await createAppointments(db, dialect);
    await createReservations(db, dialect);
    await createHolds(db, dialect);
    await createParticipants(db, dialect);
    await createMerges(db, dialect);
    await createSharedTables(db, dialect);
  },
});
