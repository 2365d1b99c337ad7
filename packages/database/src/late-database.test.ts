import { describe, expect, it } from 'vitest';
import { newId } from './id.ts';
import { openLate } from './late-database.ts';
import { appendEvent } from './outbox.ts';
import { sharedPart } from './shared-view.ts';
import { sqliteDialect } from './sqlite-dialect.ts';
import { addNote, notesOf, type TestFile, temporaryFile } from './testing.ts';
import { DatabaseUnavailable, DatabaseUnusable } from './unavailable.ts';

/** A database file on a disk that is not mounted yet, as it were. */
function lateFile(file: TestFile) {
  const state = { isThere: false, tries: 0 };
  const database = openLate(sqliteDialect, async () => {
    state.tries += 1;
    if (!state.isThere) throw new DatabaseUnavailable(new Error('not mounted'));
    return file.open();
  });
  return { database, state };
}

describe('a database that is not there yet', () => {
  it('is unavailable to everyone who asks, until it is there, and then as any other', async () => {
    await using file = await temporaryFile();
    const { database, state } = lateFile(file);
    await expect(notesOf(database)).rejects.toThrow(DatabaseUnavailable);
    await expect(addNote(database, 'too early')).rejects.toThrow(DatabaseUnavailable);
    await expect(database.check()).rejects.toThrow(DatabaseUnavailable);
    const turn = database.turnAt('something');
    expect(await turn.take()).toBe(false);
    await expect.poll(() => state.tries).toBeGreaterThan(1);
    state.isThere = true;
    await database.opened;
    expect(await turn.take()).toBe(true);
    await database.check();
    await addNote(database, 'in time');
    expect(await notesOf(database)).toEqual(['in time']);
    await database.close();
  });

  it('tells of events to who began to listen before it was there', async () => {
    await using file = await temporaryFile();
    const { database, state } = lateFile(file);
    let heard = 0;
    const stop = database.onEvents(() => {
      heard += 1;
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
        appendEvent(sharedPart(transaction), event, { source: '/x', time: Temporal.Now.instant() }),
      );
    await write();
    expect(heard).toBe(1);
    stop();
    await write();
    expect(heard).toBe(1);
    await database.close();
  });

  it('is not looked for any more when it is closed before', async () => {
    await using file = await temporaryFile();
    const { database, state } = lateFile(file);
    await expect.poll(() => state.tries).toBeGreaterThan(0);
    await database.close();
    const { tries } = state;
    state.isThere = true;
    await expect(database.opened).rejects.toThrow();
    await expect(notesOf(database)).rejects.toThrow(DatabaseUnavailable);
    expect(state.tries).toBe(tries);
  });
});

it('says what is wrong with a database for good, and looks no more', async () => {
  let tries = 0;
  const database = openLate(sqliteDialect, async () => {
    tries += 1;
    throw new DatabaseUnusable('of a newer Daybook');
  });
  await expect(database.opened).rejects.toThrow('of a newer Daybook');
  await expect(database.check()).rejects.toThrow('of a newer Daybook');
  expect(tries).toBe(1);
  await database.close();
});
