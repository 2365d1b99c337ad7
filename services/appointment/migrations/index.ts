import type { Migrations } from '@daybook/database';
import { appointments } from './0001-appointments.ts';

export const migrations: Migrations = (dialect) => ({ '0001-appointments': appointments(dialect) });
