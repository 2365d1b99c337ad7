import type { Migrations } from '@daybook/database';
import { messages } from './0001-messages.ts';

export const migrations: Migrations = (dialect) => ({ '0001-messages': messages(dialect) });
