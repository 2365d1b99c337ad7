import type { Migrations } from '@daybook/database';
import { patients } from './0001-patients.ts';

export const migrations: Migrations = (dialect) => ({ '0001-patients': patients(dialect) });
