/** The database of a test run. The same tests run on each available database; see vitest.config.ts at the root. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Connection, createConnection } from 'mysql2/promise';
import { afterAll, inject, onTestFinished } from 'vitest';

export interface DatabaseUnderTest {
  readonly kind: 'sqlite' | 'mysql' | 'mariadb';
  /** The URL of the server, without a database. */
  readonly serverUrl: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    database: DatabaseUnderTest;
  }
}

export const { kind: databaseKind, serverUrl } = inject('database');

let admin: Promise<Connection> | undefined;
const made = new Set<string>();
/** Databases with tables but without rows, by schema. */
const clean = new Map<string, string[]>();

const connect = () => {
  admin ??= createConnection({ uri: serverUrl, multipleStatements: true });
  return admin;
};

async function create(): Promise<string> {
  const name = `daybook_test_${process.pid}_${randomBytes(5).toString('hex')}`;
  made.add(name);
  await (await connect()).query(`create database ${name}`);
  return name;
}

async function drop(name: string): Promise<void> {
  await (await connect()).query(`drop database if exists ${name}`);
  made.delete(name);
}

/** Empties a database, except the tables and their migration records. */
async function empty(name: string): Promise<void> {
  const connection = await connect();
  const [rows] = await connection.query(
    `select table_name as name from information_schema.tables where table_schema = ? and table_name not like 'kysely%'`,
    [name],
  );
  const names = Array.isArray(rows) ? rows.map((row) => ('name' in row ? String(row.name) : '')) : [];
  const deletes = names.map((table) => `delete from ${name}.${table};`).join('');
  if (deletes !== '') await connection.query(`set foreign_key_checks = 0;${deletes}set foreign_key_checks = 1`);
}

if (databaseKind !== 'sqlite') {
  afterAll(async () => {
    for (const name of made) await drop(name);
    await (await admin)?.end();
  });
}

const urlOf = (name: string): string => `${serverUrl}/${name}?connections=10`;

/** Returns the URL of a missing or empty database, which is removed after the test. */
export async function freshDatabase(): Promise<string> {
  if (databaseKind === 'sqlite') {
    const folder = await mkdtemp(join(tmpdir(), 'daybook-database-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    return `sqlite:${join(folder, 'test.sqlite')}`;
  }
  const name = await create();
  onTestFinished(() => drop(name));
  return urlOf(name);
}

/**
 * Returns the URL of a database without rows. After the test it is emptied for the next test with the same `schema`,
 * because creating tables is slow. In memory for SQLite.
 */
export async function cleanDatabase(schema: string): Promise<string> {
  if (databaseKind === 'sqlite') return 'sqlite::memory:';
  const free = clean.get(schema) ?? [];
  clean.set(schema, free);
  const name = free.pop() ?? (await create());
  onTestFinished(async () => {
    await empty(name);
    free.push(name);
  });
  return urlOf(name);
}
