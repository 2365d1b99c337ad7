/**
 * What TypeScript sees for any concrete tables, but not for a type parameter: that the shared tables are among them.
 * The only casts of this package, each true by the definition of its parameter.
 */
import type { Transaction } from 'kysely';
import type { Database } from './database.ts';
import type { SharedTables } from './shared-tables.ts';

export const sharedPart = <Tables>(transaction: Transaction<Tables & SharedTables>): Transaction<SharedTables> =>
  transaction as unknown as Transaction<SharedTables>;

export const sharedView = <Tables>(database: Database<Tables>): Database => database as unknown as Database;
