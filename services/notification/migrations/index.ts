import type { Migrations } from '@daybook/database';
import { messages } from './0001-messages.ts';
import { messageDoctors } from './0002-message-doctors.ts';
import { messageRecipients } from './0003-message-recipients.ts';

export const migrations: Migrations = (dialect) => ({
  '0001-messages': messages(dialect),
  '0002-message-doctors': messageDoctors(dialect),
  '0003-message-recipients': messageRecipients(dialect),
});
