import type { DatabaseDialect } from '@daybook/database';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Adds the index by recipient, for the export of a patient's data. */
export const messageRecipients = (_dialect: DatabaseDialect): Migration => ({
  async up(db: Kysely<never>) {
    await db.schema.createIndex('messages_to').on('messages').columns(['patient_id', 'id']).execute();
  },
});
