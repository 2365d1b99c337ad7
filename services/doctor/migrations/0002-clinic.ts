import { createTable, type DatabaseDialect } from '@daybook/database';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Creates the clinic, which is one row. Without the row, the clinic has its defaults. */
async function createClinic(db: Kysely<never>, dialect: DatabaseDialect): Promise<void> {
  const { types, clustered } = dialect;
  await createTable(db, dialect, 'clinic', (table) =>
    clustered(
      table
        .addColumn('id', types.integer, (column) => column.primaryKey().notNull())
        .addColumn('time_zone', types.text(64), (column) => column.notNull())
        .addColumn('details', types.longText, (column) => column.notNull())
        .addColumn('version', types.integer, (column) => column.notNull())
        .addColumn('updated_at', types.instant),
    ),
  );
}

async function createClosures(db: Kysely<never>, dialect: DatabaseDialect): Promise<void> {
  const { types, clustered } = dialect;
  await createTable(
    db,
    dialect,
    'closures',
    (table) =>
      clustered(
        table
          .addColumn('id', types.id, (column) => column.primaryKey().notNull())
          .addColumn('start_date', types.text(10), (column) => column.notNull())
          .addColumn('end_date', types.text(10), (column) => column.notNull())
          .addColumn('time_zone', types.text(64), (column) => column.notNull())
          .addColumn('starts_at', types.instant, (column) => column.notNull())
          .addColumn('ends_at', types.instant, (column) => column.notNull())
          .addColumn('reason', types.text(200), (column) => column.notNull())
          .addColumn('created_at', types.instant, (column) => column.notNull()),
      ),
    // For overlaps with a range, which each availability reads, and for the list. Starts alone bound both.
    { closures_by_start: ['starts_at', 'ends_at'], closures_by_date: ['start_date', 'id'] },
  );
}

/** Creates the closures that are not announced for every doctor yet. */
async function createAnnouncements(db: Kysely<never>, dialect: DatabaseDialect): Promise<void> {
  const { types } = dialect;
  await createTable(db, dialect, 'closure_announcements', (table) =>
    table
      .addColumn('position', types.position, (column) => column.primaryKey().autoIncrement())
      .addColumn('closure_id', types.id, (column) => column.notNull())
      .addColumn('kind', types.text(20), (column) => column.notNull())
      .addColumn('starts_at', types.instant, (column) => column.notNull())
      .addColumn('ends_at', types.instant, (column) => column.notNull())
      .addColumn('traceparent', types.text(100))
      // The doctors up to this one know of it. Null: none yet.
      .addColumn('last_doctor_id', types.id),
  );
}

export const clinic = (dialect: DatabaseDialect): Migration => ({
  async up(db: Kysely<never>) {
    await createClinic(db, dialect);
    await createClosures(db, dialect);
    await createAnnouncements(db, dialect);
  },
});
