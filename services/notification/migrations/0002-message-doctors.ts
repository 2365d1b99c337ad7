import type { DatabaseDialect } from '@daybook/database';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Adds the doctor of the appointment, whose messages the doctor may read. Earlier messages have none. */
export const messageDoctors = ({ types }: DatabaseDialect): Migration => ({
  async up(db: Kysely<never>) {
    await db.schema.alterTable('messages').addColumn('doctor_id', types.id).execute();
  },
});
