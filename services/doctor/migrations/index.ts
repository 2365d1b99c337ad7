import type { Migrations } from '@daybook/database';
import { doctors } from './0001-doctors.ts';
import { clinic } from './0002-clinic.ts';

export const migrations: Migrations = (dialect) => ({
  '0001-doctors': doctors(dialect),
  '0002-clinic': clinic(dialect),
});
