import { describe, expect, it } from 'vitest';
import { deferDatabase } from './deferred-database.ts';
import { DatabaseUnavailable, DatabaseUnusable } from './errors.ts';
import { newId } from './id.ts';
import { appendEvent } from './outbox.ts';
import { asSharedTransaction } from './shared-tables.ts';
import { sqliteDialect } from './sqlite/dialect.ts';
import { addNote, notesOf, type TestFile, temporaryFile } from './testing.ts';

/** Simulates a database file on a disk that is not mounted yet. */
function deferredFile(file: TestFile) {
  const state = { isThere: false, attempts: 0 };
  const database = deferDatabase(sqliteDialect, async () => {
    state.attempts += 1;
    if (!state.isThere) throw new DatabaseUnavailable(new Error('not mounted'));
    return file.open();
  });
  return { database, state };
}

describe('a database that is not there yet', () => {
  it('is unavailable to every caller until it is there, and then like any other', async () => {
    await using file = await temporaryFile();
    const { database, state } = deferredFile(file);
    await expect(notesOf(database)).rejects.toThrow(DatabaseUnavailable);
    await expect(addNote(database, 'too early')).rejects.toThrow(DatabaseUnavailable);
    await expect(database.check()).rejects.toThrow(DatabaseUnavailable);
    const lock = database.advisoryLock('something');
    expect(await lock.tryAcquire()).toBe(false);
    await expect.poll(() => state.attempts).toBeGreaterThan(1);
    state.isThere = true;
    await database.opened;
    expect(await lock.tryAcquire()).toBe(true);
    await database.check();
    await addNote(database, 'in time');
    expect(await notesOf(database)).toEqual(['in time']);
    await database.close();
  });

  it('notifies listeners that subscribed before it was there', async () => {
    await using file = await temporaryFile();
    const { database, state } = deferredFile(file);
    let notified = 0;
    const stop = database.onEvents(() => {
      notified += 1;
    });
    state.isThere = true;
    await database.opened;
    const patientId = newId();
    const event = {
      type: 'daybook.patient.registered.v1',
      subject: patientId,
      sequence: 1,
      data: { patientId },
    } as const;
    const write = () =>
      database.write((transaction) =>
        appendEvent(asSharedTransaction(transaction), event, { source: '/x', time: Temporal.Now.instant() }),
      );
    await write();
    expect(notified).toBe(1);
    stop();
    await write();
    expect(notified).toBe(1);
    await database.close();
  });

  it('makes no more attempts to open when it is closed before', async () => {
    await using file = await temporaryFile();
    const { database, state } = deferredFile(file);
    await expect.poll(() => state.attempts).toBeGreaterThan(0);
    await database.close();
    const { attempts } = state;
    state.isThere = true;
    await expect(database.opened).rejects.toThrow();
    await expect(notesOf(database)).rejects.toThrow(DatabaseUnavailable);
    expect(state.attempts).toBe(attempts);
  });
});

it('a deferred database that can never be used reports why, and makes no more attempts', async () => {
  let attempts = 0;
  const database = deferDatabase(sqliteDialect, async () => {
    attempts += 1;
    throw new DatabaseUnusable('of a newer Daybook');
  });
  await expect(database.opened).rejects.toThrow('of a newer Daybook');
  await expect(database.check()).rejects.toThrow('of a newer Daybook');
  expect(attempts).toBe(1);
  await database.close();
});
