import type { Migrations } from '@daybook/database';
import { appointments } from './0001-appointments.ts';
import { recentHolds } from './0002-recent-holds.ts';

export const migrations: Migrations = (dialect) => ({
  '0001-appointments': appointments(dialect),
  '0002-recent-holds': recentHolds(dialect),
});
