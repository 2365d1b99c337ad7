import type { Migrations } from '@daybook/database';
import { appointments } from './0001-appointments.ts';
import { recentHolds } from './0002-recent-holds.ts';
import { erasures } from './0003-erasures.ts';

export const migrations: Migrations = (dialect) => ({
  '0001-appointments': appointments(dialect),
  '0002-recent-holds': recentHolds(dialect),
  '0003-erasures': erasures(dialect),
});
