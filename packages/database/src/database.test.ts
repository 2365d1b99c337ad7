import { open, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync, StatementSync } from 'node:sqlite';
import { sql } from 'kysely';
import { describe, expect, it, vi } from 'vitest';
import type { Database } from './database.ts';
import { DatabaseUnavailable, DatabaseUnusable } from './errors.ts';
import { openDatabase } from './open-database.ts';
import { isBusy } from './sqlite/dialect.ts';
import { addNote, insertNote, type NoteTables, noteMigrations, notesOf, temporaryFile } from './testing.ts';

const countUp = (database: Database<NoteTables>) =>
  database.write(async (transaction) => {
    const { value } = await transaction.selectFrom('counter').select('value').executeTakeFirstOrThrow();
    await transaction
      .updateTable('counter')
      .set({ value: value + 1 })
      .execute();
  });

const counterOf = async (database: Database<NoteTables>) =>
  (await database.read((db) => db.selectFrom('counter').select('value').executeTakeFirstOrThrow())).value;

/** Locks the file as another process that writes to it. */
function lockFile(path: string): { release(): void } {
  const other = new DatabaseSync(path);
  other.exec('begin immediate');
  return { release: () => other.close() };
}

/** An error as SQLite reports it. */
const busy = () => Object.assign(new Error('database is locked'), { errcode: 5 });

describe('a write', () => {
  it('waits while another process writes', async () => {
    await using file = await temporaryFile();
    const database = await file.open();
    const lock = lockFile(file.path);
    const run = vi.spyOn(StatementSync.prototype, 'run');
    const waiting = addNote(database, 'patient');
    await vi.waitFor(() => expect(run.mock.results).toContainEqual(expect.objectContaining({ type: 'throw' })));
    lock.release();
    await waiting;
    expect(await notesOf(database)).toEqual(['patient']);
  });

  it('fails with DatabaseUnavailable when another process keeps the database locked', async () => {
    await using file = await temporaryFile();
    const database = await file.open();
    const lock = lockFile(file.path);
    await expect(addNote(database, 'never')).rejects.toSatisfy(
      (error) => error instanceof DatabaseUnavailable && isBusy(error.cause),
    );
    lock.release();
    await addNote(database, 'later');
    expect(await notesOf(database)).toEqual(['later']);
  });

  it('fails with DatabaseUnavailable when the disk is full, and leaves nothing half-done', async () => {
    await using file = await temporaryFile();
    const database = await file.open();
    await database.write((db) => sql`pragma max_page_count = 1`.execute(db));
    const large = database.write(async (transaction) => {
      await transaction.updateTable('counter').set({ value: 7 }).execute();
      await insertNote(transaction, 'x'.repeat(100_000)).execute();
    });
    await expect(large).rejects.toThrow(DatabaseUnavailable);
    await database.write((db) => sql`pragma max_page_count = 1000000`.execute(db));
    expect(await counterOf(database)).toBe(0);
    await countUp(database);
    expect(await counterOf(database)).toBe(1);
  });
});

describe('two connections to one file', () => {
  it('do not have to do the work of a write again because of each other', async () => {
    await using file = await temporaryFile();
    let runs = 0;
    const add = (database: Database<NoteTables>) =>
      database.write(async (transaction) => {
        runs += 1;
        await transaction.selectFrom('counter').select('value').execute();
        await transaction.updateTable('counter').set({ value: runs }).execute();
      });
    const databases = [await file.open(), await file.open()];
    await Promise.all(databases.flatMap((database) => Array.from({ length: 10 }, () => add(database))));
    expect(runs).toBe(20);
  });
});

describe('a database', () => {
  it('reports a failure while it cannot write, and success when it can again', async () => {
    // In memory, PRAGMA reaches the one connection from outside a transaction.
    const database = await openDatabase<NoteTables>('sqlite::memory:', noteMigrations);
    const setReadOnly = (on: number) => database.read((db) => sql`pragma query_only = ${sql.lit(on)}`.execute(db));
    await setReadOnly(1);
    await database.check();
    await expect(addNote(database, 'no')).rejects.toThrow(DatabaseUnavailable);
    await expect(database.check()).rejects.toThrow(DatabaseUnavailable);
    expect(await notesOf(database)).toEqual([]);
    await setReadOnly(0);
    await database.check();
    await addNote(database, 'yes');
    await database.check();
    expect(await notesOf(database)).toEqual(['yes']);
    expect(await database.read((db) => db.selectFrom('inbox').selectAll().execute())).toEqual([]);
    await database.close();
  });

  it('writes nothing for a health check', async () => {
    await using file = await temporaryFile();
    const database = await file.open();
    const sizeOf = async () => (await stat(`${file.path}-wal`)).size;
    const before = await sizeOf();
    await database.check();
    expect(await sizeOf()).toBe(before);
  });

  it('that was busy for another process can write', async () => {
    await using file = await temporaryFile();
    const database = await file.open();
    const failing = database.write(async () => {
      throw busy();
    });
    await expect(failing).rejects.toThrow(DatabaseUnavailable);
    const lock = lockFile(file.path);
    await database.check();
    lock.release();
  });

  it('in memory is there for tests', async () => {
    const database = await openDatabase<NoteTables>('sqlite::memory:', noteMigrations);
    await addNote(database, 'short-lived');
    expect(await notesOf(database)).toEqual(['short-lived']);
    await database.close();
  });

  it.each(['', 'sqlite:', 'oracle://root:secret@localhost/patient', '/data/patient.sqlite'])(
    'at %j is refused, without showing a password',
    async (url) => {
      const opening = openDatabase(url, noteMigrations);
      await expect(opening).rejects.toSatisfy(
        (error) => error instanceof DatabaseUnusable && /sqlite:/.test(error.message) && !/secret/.test(error.message),
      );
    },
  );
});

describe('a file that cannot be used', () => {
  const refusalOf = async (opening: Promise<unknown>): Promise<string> => {
    const error = await opening.then(
      () => new Error('it was opened'),
      (reason) => reason,
    );
    expect(error).toBeInstanceOf(DatabaseUnusable);
    return error.message;
  };

  /** Writes some pages of notes, then closes, so that all data is in one file. */
  async function fill(path: string, open: () => Promise<Database<NoteTables>>): Promise<number> {
    const database = await open();
    for (let index = 0; index < 20; index += 1) await addNote(database, `${index} ${'x'.repeat(10_000)}`);
    await database.close();
    return (await stat(path)).size;
  }

  it('is refused by name when it is not a database', async () => {
    await using file = await temporaryFile();
    await writeFile(file.path, 'These are not the bytes of a database, but of a letter. '.repeat(100));
    expect(await refusalOf(file.open())).toBe(`The database file ${file.path} is broken. Restore it from a backup.`);
  });

  it('is refused by name when its end is missing', async () => {
    await using file = await temporaryFile();
    const size = await fill(file.path, () => file.open());
    await truncate(file.path, size / 2);
    expect(await refusalOf(file.open())).toContain(`${file.path} is broken`);
  });

  it('is refused by name when something in its middle was overwritten', async () => {
    await using file = await temporaryFile();
    const size = await fill(file.path, () => file.open());
    const handle = await open(file.path, 'r+');
    await handle.write(Buffer.alloc(20_000, 0xa5), 0, 20_000, Math.floor(size / 2));
    await handle.close();
    expect(await refusalOf(file.open())).toContain(`${file.path} is broken`);
  });

  it('is refused by name when its folder is missing or it is a folder', async () => {
    await using file = await temporaryFile();
    const missing = join(file.path, 'deeper', 'notes.sqlite');
    expect(await refusalOf(openDatabase(`sqlite:${missing}`, noteMigrations))).toContain(missing);
    const folder = join(file.path, '..');
    expect(await refusalOf(openDatabase(`sqlite:${folder}`, noteMigrations))).toContain(folder);
  });

  it('can be opened after it was replaced', async () => {
    await using file = await temporaryFile();
    await writeFile(file.path, 'nonsense'.repeat(1000));
    await refusalOf(file.open());
    await rm(file.path);
    expect(await notesOf(await file.open())).toEqual([]);
  });
});
