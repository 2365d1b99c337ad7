export type { AdvisoryLock } from './advisory-lock.ts';
export * from './create-table.ts';
export * from './database.ts';
export { openWhenAvailable } from './deferred-database.ts';
export * from './dialect.ts';
export * from './errors.ts';
export { executeBatch, type Statement } from './execute-batch.ts';
export * from './housekeeping.ts';
export * from './id.ts';
export * from './idempotency.ts';
export * from './instant.ts';
export type { Migrations } from './migrations.ts';
export { openDatabase } from './open-database.ts';
export {
  appendEvent,
  type EventOrigin,
  insertEvent,
  insertEvents,
  type NewEvent,
  type OriginatedEvent,
  originOf,
} from './outbox.ts';
export * from './search.ts';
export * from './shared-tables.ts';
export { isBusy } from './sqlite/dialect.ts';
export { ensurePrivate, restrictToOwner } from './sqlite/private-file.ts';
