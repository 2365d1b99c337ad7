import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { Database } from './database.ts';
import { DatabaseUnavailable, WriteConflict } from './errors.ts';
import { executeBatch } from './execute-batch.ts';
import { idToBytes, newId } from './id.ts';
import { appendEvent } from './outbox.ts';
import { addNote, insertNote, type NoteTables, notesOf, temporaryDatabase, untouchedDatabase } from './testing.ts';

/** Counts one after the other wherever rows are locked, because an update reads what others have committed. */
const countUp = (database: Database<NoteTables>) =>
  database.write((transaction) =>
    transaction
      .updateTable('counter')
      .set((row) => ({ value: row('value', '+', 1) }))
      .execute(),
  );

const counterOf = async (database: Database<NoteTables>) =>
  (await database.read((db) => db.selectFrom('counter').select('value').executeTakeFirstOrThrow())).value;

/** The error codes of SQLite and of MySQL in one error. */
const busy = () => Object.assign(new Error('Busy'), { errcode: 5, errno: 1213 });

describe('a write', () => {
  it('is there for the next connection', async () => {
    await using file = await temporaryDatabase();
    const first = await file.open();
    await addNote(first, 'kept');
    expect(await notesOf(await file.open())).toEqual(['kept']);
  });

  it('that fails leaves nothing and gives its own error', async () => {
    await using file = await temporaryDatabase();
    const database = await file.open();
    const failing = database.write(async (transaction) => {
      await insertNote(transaction, 'half-done').execute();
      throw new TypeError('a mistake');
    });
    await expect(failing).rejects.toThrow(new TypeError('a mistake'));
    expect(await notesOf(database)).toEqual([]);
    await addNote(database, 'the next one');
    expect(await notesOf(database)).toEqual(['the next one']);
  });

  it('waits for the one before it, so that no two mix', async () => {
    await using file = await temporaryDatabase();
    const database = await file.open();
    await Promise.all(Array.from({ length: 50 }, () => countUp(database)));
    expect(await counterOf(database)).toBe(50);
  });

  it('runs all of its work again when the database was busy, and counts once', async () => {
    await using file = await temporaryDatabase();
    const database = await file.open();
    let runs = 0;
    await database.write(async (transaction) => {
      runs += 1;
      await insertNote(transaction, `run ${runs}`).execute();
      if (runs < 3) throw busy();
    });
    expect(await notesOf(database)).toEqual(['run 3']);
  });

  it('is given up after a bounded number of runs, and leaves nothing', async () => {
    await using file = await temporaryDatabase();
    const database = await file.open();
    let runs = 0;
    const failing = database.write(async (transaction) => {
      runs += 1;
      await insertNote(transaction, 'half-done').execute();
      throw busy();
    });
    await expect(failing).rejects.toThrow(DatabaseUnavailable);
    expect(runs).toBe(5);
    expect(await notesOf(database)).toEqual([]);
  });

  it('is not run again for an error that would come again', async () => {
    await using file = await temporaryDatabase();
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

  it('notifies the listeners of each commit with events, and of nothing else', async () => {
    await using file = await temporaryDatabase();
    const database = await file.open();
    let commits = 0;
    const stop = database.onEvents(() => {
      commits += 1;
    });
    const patientId = newId();
    const event = { type: 'daybook.patient.updated.v1', subject: patientId, sequence: 2, data: { patientId } } as const;
    const origin = { source: '/test', time: Temporal.Now.instant() };
    const append = () => database.write((transaction) => appendEvent(transaction, event, origin));
    await append();
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
    await append();
    expect(commits).toBe(1);
  });

  it('runs all of its work again after a write conflict', async () => {
    await using file = await temporaryDatabase();
    const database = await file.open();
    let runs = 0;
    await database.write(async (transaction) => {
      runs += 1;
      await insertNote(transaction, `run ${runs}`).execute();
      if (runs < 3) throw new WriteConflict();
    });
    expect(await notesOf(database)).toEqual(['run 3']);
  });

  it('that has one conflict after the other fails with DatabaseUnavailable', async () => {
    await using file = await temporaryDatabase();
    const database = await file.open();
    const failing = database.write(async () => {
      throw new WriteConflict();
    });
    await expect(failing).rejects.toThrow(DatabaseUnavailable);
  });
});

describe('a read', () => {
  it('that fails gives its own error, and the next one works', async () => {
    await using file = await temporaryDatabase();
    const database = await file.open();
    await expect(database.read((db) => sql`select missing from notes`.execute(db))).rejects.toThrow('missing');
    expect(await counterOf(database)).toBe(0);
  });

  it('sees nothing of a transaction that runs', async () => {
    await using file = await temporaryDatabase();
    const [one, other] = [await file.open(), await file.open()];
    await one.write(async (transaction) => {
      await transaction.updateTable('counter').set({ value: 7 }).execute();
      expect(await counterOf(other)).toBe(0);
    });
    expect(await counterOf(other)).toBe(7);
  });

  it('refuses a value that the database cannot keep', async () => {
    await using file = await temporaryDatabase();
    const database = await file.open();
    const failing = database.read((db) => sql`select ${Temporal.Now.instant()}`.execute(db));
    await expect(failing).rejects.toThrow('cannot store a object');
  });
});

describe('two connections to one database', () => {
  it('lose nothing when both write', async () => {
    await using file = await temporaryDatabase();
    const databases = [await file.open(), await file.open()];
    await Promise.all(databases.flatMap((database) => Array.from({ length: 25 }, () => countUp(database))));
    for (const database of databases) expect(await counterOf(database)).toBe(50);
  });

  it('lose nothing when they are of several processes', async () => {
    await using file = await untouchedDatabase();
    const writers = ['one', 'two', 'three'];
    const script = join(import.meta.dirname, 'testing-writer.ts');
    const endings = writers.map(async (writer) => {
      // The database does not exist yet, so the processes also race to create it.
      const child = spawn(process.execPath, [script, file.url, writer, '20'], { stdio: ['ignore', 'ignore', 'pipe'] });
      const complaints: string[] = [];
      child.stderr.setEncoding('utf8').on('data', (text: string) => complaints.push(text));
      const [code] = await once(child, 'close');
      return { code, complaints: complaints.join('') };
    });
    expect(await Promise.all(endings)).toEqual(writers.map(() => ({ code: 0, complaints: '' })));
    const database = await file.open();
    expect(await counterOf(database)).toBe(60);
    const expected = writers.flatMap((writer) => Array.from({ length: 20 }, (_, index) => `${writer} ${index}`));
    expect((await notesOf(database)).toSorted()).toEqual(expected.toSorted());
  });
});

describe('text', () => {
  it.each([
    ['a', 'A'],
    ['e', 'é'],
    ['a', 'a '],
    ['ß', 'ss'],
    ['é', 'e\u0301'],
  ])('%j is not %j', async (one, other) => {
    await using file = await temporaryDatabase();
    const database = await file.open();
    const row = { event_id: new Uint8Array(16), handled_at: 0 };
    const keys = [one, other].map((consumer) => ({ ...row, consumer }));
    await database.write((transaction) => transaction.insertInto('inbox').values(keys).execute());
    const found = await database.read((db) =>
      db.selectFrom('inbox').select('consumer').where('consumer', '=', one).execute(),
    );
    expect(found).toEqual([{ consumer: one }]);
  });

  it('sorts by code points', async () => {
    await using file = await temporaryDatabase();
    const database = await file.open();
    const consumers = ['Z', 'a', 'a b', 'b', 'é', '日', '\u{ffee}', '\u{1f600}'];
    const rows = consumers.toReversed().map((consumer) => ({ consumer, event_id: new Uint8Array(16), handled_at: 0 }));
    await database.write((transaction) => transaction.insertInto('inbox').values(rows).execute());
    const sorted = await database.read((db) => db.selectFrom('inbox').select('consumer').orderBy('consumer').execute());
    expect(sorted.map(({ consumer }) => consumer)).toEqual(consumers);
  });

  it('comes back as it was, whatever is in it', async () => {
    await using file = await temporaryDatabase();
    const database = await file.open();
    const texts = ["'; drop table notes; --", '\\', "\\'", '\0', '\n\r\t', '"', '?', '%_', '日本', '😀', ' '];
    for (const text of texts) await addNote(database, text);
    expect(await notesOf(database)).toEqual(texts);
  });
});

describe('several statements at once', () => {
  it('run in their order, and each gives its own rows', async () => {
    await using file = await temporaryDatabase();
    const database = await file.open();
    const results = await database.write((transaction) => {
      const notes = transaction.selectFrom('notes').select('text').orderBy('id');
      const count = transaction.selectFrom('counter').select('value');
      return executeBatch(transaction, database.dialect, [insertNote(transaction, 'one'), notes, count, notes]);
    });
    expect(results).toEqual([[], [{ text: 'one' }], [{ value: 0 }], [{ text: 'one' }]]);
    expect(await notesOf(database)).toEqual(['one']);
  });

  it('can be a single one, or none', async () => {
    await using file = await temporaryDatabase();
    const database = await file.open();
    const results = await database.write(async (transaction) => [
      await executeBatch(transaction, database.dialect, []),
      await executeBatch(transaction, database.dialect, [transaction.selectFrom('counter').select('value')]),
    ]);
    expect(results).toEqual([[], [[{ value: 0 }]]]);
  });

  it('end with the first that fails, and leave nothing', async () => {
    await using file = await temporaryDatabase();
    const database = await file.open();
    const id = newId();
    const failing = database.write((transaction) =>
      executeBatch(transaction, database.dialect, [
        insertNote(transaction, 'one', id),
        insertNote(transaction, 'the same', id),
        insertNote(transaction, 'another'),
      ]),
    );
    await expect(failing).rejects.toSatisfy((error) => database.dialect.isUniqueViolation(error));
    expect(await notesOf(database)).toEqual([]);
    await addNote(database, 'the next one');
    expect(await notesOf(database)).toEqual(['the next one']);
  });

  it('are separated correctly, whatever text is in them', async () => {
    await using file = await temporaryDatabase();
    const database = await file.open();
    const texts = ["'; delete from notes; --", '\\', "\\'; delete from notes; --", '?; ?', '\0', '/*'];
    await database.write((transaction) =>
      executeBatch(
        transaction,
        database.dialect,
        texts.map((text) => insertNote(transaction, text)),
      ),
    );
    expect((await notesOf(database)).toSorted()).toEqual(texts.toSorted());
  });
});

describe('a database', () => {
  it('reports whether it responds', async () => {
    await using file = await temporaryDatabase();
    const database = await file.open();
    await database.check();
    await database.close();
    await expect(database.check()).rejects.toThrow();
  });

  it('can be closed twice', async () => {
    await using file = await temporaryDatabase();
    const database = await file.open();
    await database.close();
    await database.close();
  });
});
