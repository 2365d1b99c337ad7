/** The database that a test runs on: the same tests run on each that is there, see vitest.config.ts at the root. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Connection, createConnection } from 'mysql2/promise';
import { afterAll, inject, onTestFinished } from 'vitest';

export interface DatabaseUnderTest {
  readonly kind: 'sqlite' | 'mysql' | 'mariadb';
  /** Of the server, without a database. */
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
/** Databases with tables and without rows, by what made the tables. */
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

/** As a test finds it: everything but the tables and what notes their migrations. */
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

/** The URL of a database that is not there yet, or has nothing in it; it goes with the test. */
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
 * The URL of a database without rows; it is emptied after the test, for the next one that names the same `schema`, since tables
 * take long to make. In memory for SQLite.
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
