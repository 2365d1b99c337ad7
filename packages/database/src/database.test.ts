import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync, StatementSync } from 'node:sqlite';
import { sql } from 'kysely';
import { describe, expect, it, vi } from 'vitest';
import { type Database, openDatabase } from './database.ts';
import { isBusy } from './sqlite-dialect.ts';
import { idToBytes, newId } from './id.ts';
import { appendEvent } from './outbox.ts';
import { addNote, type NoteTables, noteMigrations, notesOf, temporaryFile } from './testing.ts';
import { DatabaseUnavailable, DatabaseUnusable } from './unavailable.ts';

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

/** Another process that writes to the file and does not let go. */
function lockFile(path: string): { release(): void } {
  const other = new DatabaseSync(path);
  other.exec('begin immediate');
  return { release: () => other.close() };
}

/** As SQLite says it. */
const busy = () => Object.assign(new Error('database is locked'), { errcode: 5 });

describe('a write', () => {
  it('is there for whoever opens the file next', async () => {
    await using file = await temporaryFile();
    const first = await file.open();
    await addNote(first, 'kept');
    expect(await notesOf(await file.open())).toEqual(['kept']);
  });

  it('that fails leaves nothing and gives its own error', async () => {
    await using file = await temporaryFile();
    const database = await file.open();
    const failing = database.write(async (transaction) => {
      await transaction
        .insertInto('notes')
        .values({ id: idToBytes(newId()), text: 'half-done' })
        .execute();
      throw new TypeError('a mistake');
    });
    await expect(failing).rejects.toThrow(new TypeError('a mistake'));
    expect(await notesOf(database)).toEqual([]);
    await addNote(database, 'the next one');
    expect(await notesOf(database)).toEqual(['the next one']);
  });

  it('waits for its turn, so that no two mix', async () => {
    await using file = await temporaryFile();
    const database = await file.open();
    await Promise.all(Array.from({ length: 50 }, () => countUp(database)));
    expect(await counterOf(database)).toBe(50);
  });

  it('runs all of its work again when the database was busy, and counts once', async () => {
    await using file = await temporaryFile();
    const database = await file.open();
    let runs = 0;
    await database.write(async (transaction) => {
      runs += 1;
      await transaction
        .insertInto('notes')
        .values({ id: idToBytes(newId()), text: `run ${runs}` })
        .execute();
      if (runs < 3) throw busy();
    });
    expect(await notesOf(database)).toEqual(['run 3']);
  });

  it('is given up after a bounded number of runs, and leaves nothing', async () => {
    await using file = await temporaryFile();
    const database = await file.open();
    let runs = 0;
    const failing = database.write(async (transaction) => {
      runs += 1;
      await transaction
        .insertInto('notes')
        .values({ id: idToBytes(newId()), text: 'half-done' })
        .execute();
      throw busy();
    });
    await expect(failing).rejects.toThrow(DatabaseUnavailable);
    expect(runs).toBe(5);
    expect(await notesOf(database)).toEqual([]);
  });

  it('is not run again for an error that would come again', async () => {
    await using file = await temporaryFile();
    const database = await file.open();
    let runs = 0;
    const id = idToBytes(newId());
    const failing = database.write(async (transaction) => {
      runs += 1;
      await transaction
        .insertInto('notes')
        .values([
          { id, text: 'one' },
          { id, text: 'two' },
        ])
        .execute();
    });
    await expect(failing).rejects.toSatisfy((error) => database.dialect.isUniqueViolation(error));
    expect(runs).toBe(1);
  });

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

  it('is told that the database is not available when another process does not let go of it', async () => {
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

  it('is told that the database is not available when the disk is full, and nothing is half-done', async () => {
    await using file = await temporaryFile();
    const database = await file.open();
    await database.write((db) => sql`pragma max_page_count = 1`.execute(db));
    const large = database.write(async (transaction) => {
      await transaction.updateTable('counter').set({ value: 7 }).execute();
      await transaction
        .insertInto('notes')
        .values({ id: idToBytes(newId()), text: 'x'.repeat(100_000) })
        .execute();
    });
    await expect(large).rejects.toThrow(DatabaseUnavailable);
    await database.write((db) => sql`pragma max_page_count = 1000000`.execute(db));
    expect(await counterOf(database)).toBe(0);
    await countUp(database);
    expect(await counterOf(database)).toBe(1);
  });

  it('tells the listeners of each commit with events, and of nothing else', async () => {
    await using file = await temporaryFile();
    const database = await file.open();
    let commits = 0;
    const stop = database.onEvents(() => {
      commits += 1;
    });
    const patientId = newId();
    const event = { type: 'daybook.patient.updated.v1', subject: patientId, sequence: 2, data: { patientId } } as const;
    const origin = { source: '/test', time: Temporal.Now.instant() };
    const tell = () => database.write((transaction) => appendEvent(transaction, event, origin));
    await tell();
    expect(commits).toBe(1);
    await countUp(database);
    const failing = database.write(async (transaction) => {
      await appendEvent(transaction, event, origin);
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    await counterOf(database);
    expect(commits).toBe(1);
    stop();
    await tell();
    expect(commits).toBe(1);
  });
});

describe('a read', () => {
  it('that fails gives its own error, and the next one works', async () => {
    await using file = await temporaryFile();
    const database = await file.open();
    await expect(database.read((db) => sql`select missing from notes`.execute(db))).rejects.toThrow('no such column');
    expect(await counterOf(database)).toBe(0);
  });

  it('sees nothing of a transaction that runs', async () => {
    await using file = await temporaryFile();
    const [one, other] = [await file.open(), await file.open()];
    await one.write(async (transaction) => {
      await transaction.updateTable('counter').set({ value: 7 }).execute();
      expect(await counterOf(other)).toBe(0);
    });
    expect(await counterOf(other)).toBe(7);
  });

  it('refuses a value that the database cannot keep', async () => {
    await using file = await temporaryFile();
    const database = await file.open();
    const failing = database.read((db) => sql`select ${Temporal.Now.instant()}`.execute(db));
    await expect(failing).rejects.toThrow('cannot store a object');
  });
});

describe('two connections to one file', () => {
  it('lose nothing when both write', async () => {
    await using file = await temporaryFile();
    const databases = [await file.open(), await file.open()];
    await Promise.all(databases.flatMap((database) => Array.from({ length: 25 }, () => countUp(database))));
    for (const database of databases) expect(await counterOf(database)).toBe(50);
  });

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

  it('lose nothing when they are of several processes', async () => {
    await using file = await temporaryFile();
    const writers = ['one', 'two', 'three'];
    const script = join(import.meta.dirname, 'testing-writer.ts');
    const endings = writers.map(async (writer) => {
      // The file is not there yet: they also race for making it.
      const child = spawn(process.execPath, [script, file.url, writer, '40'], { stdio: ['ignore', 'ignore', 'pipe'] });
      const complaints: string[] = [];
      child.stderr.setEncoding('utf8').on('data', (text: string) => complaints.push(text));
      const [code] = await once(child, 'close');
      return { code, complaints: complaints.join('') };
    });
    expect(await Promise.all(endings)).toEqual(writers.map(() => ({ code: 0, complaints: '' })));
    const database = await file.open();
    expect(await counterOf(database)).toBe(120);
    const expected = writers.flatMap((writer) => Array.from({ length: 40 }, (_, index) => `${writer} ${index}`));
    expect((await notesOf(database)).toSorted()).toEqual(expected.toSorted());
  });
});

describe('a database', () => {
  it('says whether it answers', async () => {
    await using file = await temporaryFile();
    const database = await file.open();
    await database.check();
    await database.close();
    await expect(database.check()).rejects.toThrow();
  });

  it('says that it does not work while it cannot write, and that it does when it can again', async () => {
    // In memory, its one connection can be told so from outside of a transaction.
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

  it('writes nothing when it is asked whether it works', async () => {
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

  it('can be closed twice', async () => {
    await using file = await temporaryFile();
    const database = await file.open();
    await database.close();
    await database.close();
  });

  it('in memory is there for tests', async () => {
    const database = await openDatabase<NoteTables>('sqlite::memory:', noteMigrations);
    await addNote(database, 'short-lived');
    expect(await notesOf(database)).toEqual(['short-lived']);
    await database.close();
  });

  it.each(['', 'sqlite:', 'mysql://root:secret@localhost/patient', 'oracle:x', '/data/patient.sqlite'])(
    'at %j is refused, without saying a password',
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

  /** Some pages of notes, closed so that all of it is in the one file. */
  async function fill(path: string, open: () => Promise<Database<NoteTables>>): Promise<number> {
    const database = await open();
    for (let index = 0; index < 20; index += 1) await addNote(database, `${index} ${'x'.repeat(10_000)}`);
    await database.close();
    return (await stat(path)).size;
  }

  it('is refused by name when it is no database', async () => {
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
