import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { Database } from './database.ts';
import type { Migrations } from './migrations.ts';
import { addNote, createNotes, type NoteTables, noteMigrations, notesOf, untouchedDatabase } from './testing.ts';
import { DatabaseUnusable } from './unavailable.ts';

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
    const failing: Migrations = (dialect) => ({
      '0001-notes': {
        async up(db) {
          await createNotes(dialect).up(db);
          throw new Error('the power went');
        },
      },
    });
    await expect(file.open(failing)).rejects.toThrow('the power went');
    expect(await counterOf(await file.open())).toEqual([{ value: 0 }]);
  });

  it('of a newer Daybook are refused in words, and stay as they are', async () => {
    await using file = await untouchedDatabase();
    await (await file.open(withSecond)).close();
    await expect(file.open()).rejects.toSatisfy(
      (error) => error instanceof DatabaseUnusable && error.message.includes('written by a newer Daybook'),
    );
    expect(await counterOf(await file.open(withSecond))).toEqual([{ value: 1 }]);
  });
});
