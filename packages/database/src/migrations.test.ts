import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type Dialect, Kysely, sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { createTable } from './create-table.ts';
import type { Database } from './database.ts';
import type { DatabaseDialect } from './dialect.ts';
import { DatabaseUnusable } from './errors.ts';
import { withDigests } from './migration-digests.ts';
import type { Migrations } from './migrations.ts';
import { mysqlDialect } from './mysql/dialect.ts';
import { mysqlOver } from './mysql/driver.ts';
import { sqliteDialect } from './sqlite/dialect.ts';
import { nodeSqlite } from './sqlite/driver.ts';
import { addNote, createNotes, type NoteTables, noteMigrations, notesOf, untouchedDatabase } from './testing.ts';

/** `noteMigrations` before an edit of its file: the same name, another table. */
const before: Migrations = (dialect) => ({
  '0001-notes': {
    async up(db) {
      await createNotes(dialect).up(db);
      await sql`create table notes_of_before (id integer)`.execute(db);
    },
  },
});

/** Returns what messages show of a database: the end of its file's path, or its name on the server. */
const endOf = (url: string): string => /[^/?]+(?=\?|$)/.exec(url)?.[0] ?? '';

/** Counts its own runs in the database. */
const withSecond: Migrations = (dialect) => ({
  ...noteMigrations(dialect),
  '0002-count': { up: async (db) => void (await sql`update counter set value = value + 1`.execute(db)) },
});

const counterOf = (database: Database<NoteTables>) =>
  database.read((db) => db.selectFrom('counter').select('value').execute());

describe('migrations', () => {
  it('run once, however many connections open the database together', async () => {
    await using file = await untouchedDatabase();
    const databases = await Promise.all(Array.from({ length: 6 }, () => file.open(withSecond)));
    for (const database of databases) expect(await counterOf(database)).toEqual([{ value: 1 }]);
  });

  it('run once, however many processes open the database together', async () => {
    await using file = await untouchedDatabase();
    const script = join(import.meta.dirname, 'testing-writer.ts');
    const endings = Array.from({ length: 5 }, async () => {
      const child = spawn(process.execPath, [script, file.url, 'nobody', '0'], { stdio: ['ignore', 'ignore', 'pipe'] });
      const complaints: string[] = [];
      child.stderr.setEncoding('utf8').on('data', (text: string) => complaints.push(text));
      await once(child, 'close');
      return complaints.join('');
    });
    expect(await Promise.all(endings)).toEqual(['', '', '', '', '']);
    expect(await counterOf(await file.open())).toEqual([{ value: 0 }]);
  });

  it('that are new run on a database with rows, which keeps them', async () => {
    await using file = await untouchedDatabase();
    const before = await file.open();
    await addNote(before, 'old');
    await before.close();
    const after = await file.open(withSecond);
    expect(await notesOf(after)).toEqual(['old']);
    expect(await counterOf(after)).toEqual([{ value: 1 }]);
  });

  it('that fail run again at the next start', async () => {
    await using file = await untouchedDatabase();
    let hasPower = false;
    const migrations: Migrations = (dialect) => ({
      '0001-notes': {
        async up(db) {
          await createNotes(dialect).up(db);
          // Only a real database returns a row.
          const { rows } = await sql`select 1 as one`.execute(db);
          if (rows.length > 0 && !hasPower) throw new Error('the power went');
        },
      },
    });
    await expect(file.open(migrations)).rejects.toThrow('the power went');
    hasPower = true;
    expect(await counterOf(await file.open(migrations))).toEqual([{ value: 0 }]);
  });

  it('of a newer Daybook are refused with a reason, and stay as they are', async () => {
    await using file = await untouchedDatabase();
    await (await file.open(withSecond)).close();
    await expect(file.open()).rejects.toSatisfy(
      (error) => error instanceof DatabaseUnusable && error.message.includes('written by a newer Daybook'),
    );
    expect(await counterOf(await file.open(withSecond))).toEqual([{ value: 1 }]);
  });

  it('that were edited after they ran are refused with what to do, and the database stays as it is', async () => {
    await using file = await untouchedDatabase();
    await addNote(await file.open(before), 'old');
    await expect(file.open()).rejects.toSatisfy(
      (error) =>
        error instanceof DatabaseUnusable &&
        /another version of the migration 0001-notes\b.* move the data folder away/.test(error.message) &&
        error.message.includes(endOf(file.url)),
    );
    expect(await notesOf(await file.open(before))).toEqual(['old']);
  });

  it('of a state before migrations had digests are refused with what to do', async () => {
    await using file = await untouchedDatabase();
    const database = await file.open();
    await database.write((db) => sql`update kysely_migration set name = '0001-notes'`.execute(db));
    await expect(file.open()).rejects.toThrow(/another version of the migration 0001-notes\b/);
  });

  it('keep their digests when comments, types and the layout of their files change', async () => {
    await using file = await untouchedDatabase();
    await (await file.open(before)).close();
    const laidOutAgain: Migrations = (dialect) => ({
      '0001-notes': {
        up: async (db) => {
          await createNotes(dialect).up(db);
          await sql`create table notes_of_before
            (id integer)`.execute(db);
        },
      },
    });
    expect(await notesOf(await file.open(laidOutAgain))).toEqual([]);
  });

  it('have the same digests after an upgrade of Kysely, since databases that were released have them', async () => {
    const migrations: Migrations = (dialect) => ({
      '0001-pins': {
        async up(db: Kysely<never>) {
          const { types, clustered } = dialect;
          await createTable(
            db,
            dialect,
            'pins',
            (table) =>
              clustered(
                table
                  .addColumn('id', types.id, (column) => column.notNull())
                  .addColumn('position', types.integer, (column) => column.notNull().defaultTo(0))
                  .addColumn('text', types.text(100))
                  .addPrimaryKeyConstraint('pins_pk', ['id', 'position'])
                  .addForeignKeyConstraint('pins_of', ['id'], 'notes', ['id']),
              ),
            { pins_by_text: ['text'] },
          );
          await db.schema.alterTable('pins').addColumn('at', types.instant).execute();
          await sql`update counter set value = ${0}`.execute(db);
        },
      },
    });
    const nameOn = async (dialect: DatabaseDialect, kysely: Dialect) =>
      Object.keys(await withDigests(new Kysely({ dialect: kysely }), migrations(dialect)));
    expect(await nameOn(sqliteDialect, nodeSqlite(':memory:'))).toEqual(['0001-pins.265df1beda63']);
    const nowhere = { acquire: () => Promise.reject(new Error('no connection')), close: async () => undefined };
    expect(await nameOn(mysqlDialect, mysqlOver(nowhere, 1000))).toEqual(['0001-pins.62ba9283b927']);
  });
});
