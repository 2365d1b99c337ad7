import type { Migrations } from '@daybook/database';
import { doctors } from './0001-doctors.ts';

export const migrations: Migrations = (dialect) => ({ '0001-doctors': doctors(dialect) });
