import type { DatabaseDialect } from '@daybook/database';
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Hours from a date on: a doctor has several rows, one for each first day. Those that are there hold from always. */
export const schedulePeriods = ({ types, clustered }: DatabaseDialect): Migration => ({
  async up(db: Kysely<never>) {
    await clustered(
      db.schema
        .createTable('schedule_periods')
        .addColumn('doctor_id', types.id, (column) => column.notNull().references('doctors.id'))
        .addColumn('valid_from', types.text(10), (column) => column.notNull())
        .addColumn('time_zone', types.text(64), (column) => column.notNull())
        .addColumn('weekly_hours', types.longText, (column) => column.notNull())
        .addColumn('version', types.integer, (column) => column.notNull())
        .addColumn('updated_at', types.instant, (column) => column.notNull())
        .addPrimaryKeyConstraint('schedule_periods_pk', ['doctor_id', 'valid_from']),
    ).execute();
    await sql`
      insert into schedule_periods (doctor_id, valid_from, time_zone, weekly_hours, version, updated_at)
      select doctor_id, '0000-01-01', time_zone, weekly_hours, version, updated_at from schedules`.execute(db);
    await db.schema.dropTable('schedules').execute();
  },
});
