import type { Migrations } from '@daybook/database';
import { messages } from './0001-messages.ts';
import { messageDoctors } from './0002-message-doctors.ts';

export const migrations: Migrations = (dialect) => ({
  '0001-messages': messages(dialect),
  '0002-message-doctors': messageDoctors(dialect),
});
