export * from './database.ts';
export * from './dialect.ts';
export * from './housekeeping.ts';
export * from './id.ts';
export * from './idempotency.ts';
export * from './instant.ts';
export type { Migrations } from './migrations.ts';
export * from './outbox.ts';
export * from './shared-tables.ts';
