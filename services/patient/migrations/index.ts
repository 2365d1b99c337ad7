import type { Migrations } from '@daybook/database';
import { patients } from './0001-patients.ts';
import { careRelationships } from './0002-care-relationships.ts';
import { erasure } from './0003-erasure.ts';

export const migrations: Migrations = (dialect) => ({
  '0001-patients': patients(dialect),
  '0002-care-relationships': careRelationships(dialect),
  '0003-erasure': erasure(dialect),
});
