import type { Migrations } from '@daybook/database';
import { appointments } from './0001-appointments.ts';
import { holdsAndFlags } from './0002-holds-and-flags.ts';

export const migrations: Migrations = (dialect) => ({
  '0001-appointments': appointments(dialect),
  '0002-holds-and-flags': holdsAndFlags(dialect),
});
