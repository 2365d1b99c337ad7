import type { DatabaseDialect } from '@daybook/database';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Adds whether the data of the patient of an appointment was erased. */
export const erasures = ({ types }: DatabaseDialect): Migration => ({
  async up(db: Kysely<never>) {
    await db.schema
      .alterTable('appointments')
      .addColumn('erased', types.integer, (column) => column.notNull().defaultTo(0))
      .execute();
  },
});
