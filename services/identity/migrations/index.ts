import type { Migrations } from '@daybook/database';
import { identity } from './0001-identity.ts';

export const migrations: Migrations = (dialect) => ({ '0001-identity': identity(dialect) });
