/** A database on a MySQL server: created if missing, migrated, then read and written through two pools. */
import { createHash } from 'node:crypto';
import { Kysely } from 'kysely';
import type { Connection } from 'mysql2';
import type { Database } from '../database.ts';
import { DatabaseUnavailable, DatabaseUnusable } from '../errors.ts';
import { KyselyDatabase } from '../kysely-database.ts';
import { type Migrations, migrate } from '../migrations.ts';
import type { SharedTables } from '../shared-tables.ts';
import { createMysqlAdvisoryLock } from './advisory-lock.ts';
import { connect, createConnectionSource, getLock, SESSIONS, STATEMENT_MILLIS } from './connections.ts';
import { isUnknownDatabase, isUnreachable, mysqlDialect } from './dialect.ts';
import { mysqlOver, send } from './driver.ts';
import { type MysqlAddress, parseMysqlUrl } from './url.ts';

/** For all migrations of one start, because an index over a large table takes long. */
const MIGRATION_MILLIS = 60 * 60 * 1000;
/** How long one instance waits while another migrates. */
const LOCK_SECONDS = 10 * 60;

/** Returns a lock name. Names are global on a server, and short. */
export const lockName = ({ database }: MysqlAddress, name: string): string =>
  `daybook.${createHash('sha256').update(database).digest('hex').slice(0, 32)}.${name}`;

async function connectOrCreate(address: MysqlAddress): Promise<Connection> {
  try {
    return await connect(address, SESSIONS.migrate);
  } catch (error) {
    if (!isUnknownDatabase(error)) throw error;
  }
  const server = await connect(address, SESSIONS.migrate, false);
  try {
    const statement = `create database if not exists \`${address.database}\` character set utf8mb4`;
    await send(server, statement, [], STATEMENT_MILLIS);
  } finally {
    server.destroy();
  }
  return connect(address, SESSIONS.migrate);
}

/** Migrates one instance after the other. The lock belongs to the connection and ends with it. */
async function migrateExclusively<Tables>(address: MysqlAddress, migrations: Migrations): Promise<void> {
  const connection = await connectOrCreate(address);
  try {
    if (!(await getLock(connection, lockName(address, 'migrations'), LOCK_SECONDS)))
      throw new DatabaseUnavailable(new Error('another instance has been migrating for too long'));
    const source = { acquire: async () => ({ connection, release: () => undefined }), close: async () => undefined };
    const kysely = new Kysely<Tables>({ dialect: mysqlOver(source, MIGRATION_MILLIS) });
    await migrate(kysely, migrations(mysqlDialect), address.display);
  } finally {
    connection.destroy();
  }
}

/**
 * Opens and migrates the database.
 * @throws DatabaseUnavailable when the server does not respond yet
 * @throws DatabaseUnusable when it can never work with these settings
 */
export async function openMysql<Tables>(url: string, migrations: Migrations): Promise<Database<Tables>> {
  const address = parseMysqlUrl(url);
  try {
    await migrateExclusively(address, migrations);
  } catch (error) {
    if (error instanceof DatabaseUnusable || error instanceof DatabaseUnavailable) throw error;
    if (isUnreachable(error)) throw new DatabaseUnavailable(error);
    throw new DatabaseUnusable(`The database ${address.display} cannot be used: ${messageOf(error)}`, { cause: error });
  }
  const writers = Math.max(1, Math.floor(address.connections / 2));
  const pool = (use: 'read' | 'write', connectionLimit: number) =>
    new Kysely<Tables & SharedTables>({
      dialect: mysqlOver(createConnectionSource(address, use, connectionLimit), STATEMENT_MILLIS),
    });
  const connections = {
    writer: pool('write', writers),
    reader: pool('read', address.connections - writers),
  };
  return new KyselyDatabase(connections, mysqlDialect, (name) =>
    createMysqlAdvisoryLock(address, lockName(address, name)),
  );
}

/** Returns the server's message about settings and schemas. It names users and tables, not rows. */
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
