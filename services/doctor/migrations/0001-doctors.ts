import { createSearchTable, createSharedTables, createTable, type DatabaseDialect } from '@daybook/database';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

async function createDoctors(db: Kysely<never>, dialect: DatabaseDialect): Promise<void> {
  const { types, clustered } = dialect;
  await createTable(
    db,
    dialect,
    'doctors',
    (table) =>
      clustered(
        table
          .addColumn('id', types.id, (column) => column.primaryKey().notNull())
          .addColumn('given_name', types.text(100))
          .addColumn('family_name', types.text(100), (column) => column.notNull())
          .addColumn('time_zone', types.text(64), (column) => column.notNull())
          .addColumn('active', types.integer, (column) => column.notNull())
          // A JSON array in this row, because it is read with the working time; null: all.
          .addColumn('appointment_type_ids', types.longText)
          .addColumn('details', types.longText, (column) => column.notNull())
          .addColumn('version', types.integer, (column) => column.notNull())
          .addColumn('created_at', types.instant, (column) => column.notNull())
          .addColumn('updated_at', types.instant, (column) => column.notNull()),
      ),
    { doctors_by_activity: ['active', 'id'] },
  );
}

/** Creates the tables that are derived from a doctor. */
async function createDerived(db: Kysely<never>, dialect: DatabaseDialect): Promise<void> {
  const { types, clustered } = dialect;
  await createTable(
    db,
    dialect,
    'doctor_specialties',
    (table) =>
      clustered(
        table
          .addColumn('specialty', types.text(100), (column) => column.notNull())
          .addColumn('doctor_id', types.id, (column) => column.notNull())
          .addPrimaryKeyConstraint('doctor_specialties_pk', ['specialty', 'doctor_id'])
          .addForeignKeyConstraint('doctor_specialties_doctor', ['doctor_id'], 'doctors', ['id']),
      ),
    { doctor_specialties_of: ['doctor_id'] },
  );
}

/** Creates the hours from a date on. A doctor has several rows, one for each first day. */
async function createPeriods(db: Kysely<never>, dialect: DatabaseDialect): Promise<void> {
  const { types, clustered } = dialect;
  await createTable(db, dialect, 'schedule_periods', (table) =>
    clustered(
      table
        .addColumn('doctor_id', types.id, (column) => column.notNull())
        .addColumn('valid_from', types.text(10), (column) => column.notNull())
        .addColumn('time_zone', types.text(64), (column) => column.notNull())
        .addColumn('weekly_hours', types.longText, (column) => column.notNull())
        .addColumn('version', types.integer, (column) => column.notNull())
        .addColumn('updated_at', types.instant, (column) => column.notNull())
        .addPrimaryKeyConstraint('schedule_periods_pk', ['doctor_id', 'valid_from'])
        .addForeignKeyConstraint('schedule_periods_doctor', ['doctor_id'], 'doctors', ['id']),
    ),
  );
}

async function createExceptions(db: Kysely<never>, dialect: DatabaseDialect): Promise<void> {
  const { types, clustered } = dialect;
  await createTable(
    db,
    dialect,
    'schedule_exceptions',
    (table) =>
      clustered(
        table
          .addColumn('id', types.id, (column) => column.primaryKey().notNull())
          .addColumn('doctor_id', types.id, (column) => column.notNull())
          .addColumn('kind', types.text(20), (column) => column.notNull())
          .addColumn('starts_at', types.instant, (column) => column.notNull())
          .addColumn('ends_at', types.instant, (column) => column.notNull())
          .addColumn('reason', types.text(500))
          .addColumn('created_at', types.instant, (column) => column.notNull())
          .addForeignKeyConstraint('schedule_exceptions_doctor', ['doctor_id'], 'doctors', ['id']),
      ),
    // For the list and for overlaps with a range. Starts alone bound these, because no exception exceeds 366 days.
    { schedule_exceptions_by_doctor: ['doctor_id', 'starts_at', 'id'] },
  );
}

export const doctors = (dialect: DatabaseDialect): Migration => ({
  async up(db: Kysely<never>) {
    await createDoctors(db, dialect);
    await createDerived(db, dialect);
    await createSearchTable(db, dialect, 'doctors');
    await createPeriods(db, dialect);
    await createExceptions(db, dialect);
    await createSharedTables(db, dialect);
  },
});
