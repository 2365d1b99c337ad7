import type { Migrations } from '@daybook/database';
import { doctors } from './0001-doctors.ts';
import { exceptions } from './0002-exceptions.ts';
import { schedulePeriods } from './0003-schedule-periods.ts';

export const migrations: Migrations = (dialect) => ({
  '0001-doctors': doctors(dialect),
  '0002-exceptions': exceptions(dialect),
  '0003-schedule-periods': schedulePeriods(dialect),
});
