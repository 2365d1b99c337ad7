import { databaseKind } from '@daybook/testing/databases';
import type { KyselyPlugin } from 'kysely';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { asSharedDatabase, type Database } from './database.ts';
import { startHousekeeping, sweep } from './housekeeping.ts';
import { idToBytes, newId } from './id.ts';
import { type NoteTables, temporaryDatabase } from './testing.ts';

const hoursAgo = (hours: number) => Temporal.Now.instant().subtract({ hours }).epochMilliseconds;

const addKeys = (database: Database<NoteTables>, count: number, created_at: number) =>
  database.write(async (transaction) => {
    const response = { fingerprint: new Uint8Array(), status: 201, headers: '{}', body: '', created_at };
    for (let index = 0; index < count; index += 1) {
      await transaction
        .insertInto('idempotency_keys')
        .values({ ...response, caller_id: 'ana', key: newId() })
        .execute();
    }
  });

const addInbox = (database: Database<NoteTables>, count: number, handled_at: number) =>
  database.write(async (transaction) => {
    for (let index = 0; index < count; index += 1) {
      await transaction
        .insertInto('inbox')
        .values({ consumer: 'messages', event_id: idToBytes(newId()), handled_at })
        .execute();
    }
  });

const rowsOf = (database: Database<NoteTables>) =>
  database.read(async (db) => ({
    keys: (await db.selectFrom('idempotency_keys').select('key').execute()).length,
    inbox: (await db.selectFrom('inbox').select('event_id').execute()).length,
  }));

describe('a sweep', () => {
  it('deletes what is past its time and nothing else', async () => {
    await using file = await temporaryDatabase();
    const database = await file.open();
    await addKeys(database, 2, hoursAgo(25));
    await addKeys(database, 3, hoursAgo(23));
    await addInbox(database, 4, hoursAgo(31 * 24));
    await addInbox(database, 5, hoursAgo(29 * 24));
    expect(await sweep(asSharedDatabase(database))).toBe(6);
    expect(await rowsOf(database)).toEqual({ keys: 3, inbox: 5 });
    expect(await sweep(asSharedDatabase(database))).toBe(0);
  });

  it('deletes no more than 500 rows of a kind at a time, so that no writer waits long', async () => {
    await using file = await temporaryDatabase();
    const database = await file.open();
    await addKeys(database, 501, hoursAgo(25));
    await addInbox(database, 502, hoursAgo(31 * 24));
    expect(await sweep(asSharedDatabase(database))).toBe(1000);
    expect(await sweep(asSharedDatabase(database))).toBe(3);
  });
});

/** Calls `between` after each read of a transaction, as a concurrent process would. */
const interrupted = (database: Database<NoteTables>, between: () => Promise<void>): Database => {
  const plugin: KyselyPlugin = {
    transformQuery: ({ node }) => node,
    async transformResult({ result }) {
      if (result.rows.length > 0) await between();
      return result;
    },
  };
  const shared = asSharedDatabase(database);
  return {
    dialect: shared.dialect,
    read: (query) => shared.read(query),
    write: (work) => shared.write((transaction) => work(transaction.withPlugin(plugin))),
    onEvents: (listener) => shared.onEvents(listener),
    advisoryLock: (name) => shared.advisoryLock(name),
    purgeDeleted: () => shared.purgeDeleted(),
    check: () => shared.check(),
    close: () => shared.close(),
  };
};

describe.skipIf(databaseKind === 'sqlite')('a sweep during other writes', () => {
  it('leaves what was rewritten under the same key since it read', async () => {
    await using file = await temporaryDatabase();
    const database = await file.open();
    await addKeys(database, 1, hoursAgo(25));
    await addInbox(database, 1, hoursAgo(31 * 24));
    const rewrite = async () => {
      const now = hoursAgo(0);
      await database.write(async (transaction) => {
        await transaction.updateTable('idempotency_keys').set({ created_at: now }).execute();
        await transaction.updateTable('inbox').set({ handled_at: now }).execute();
      });
    };
    await sweep(interrupted(database, rewrite));
    expect(await rowsOf(database)).toEqual({ keys: 1, inbox: 1 });
  });
});

describe('housekeeping', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('sweeps now and then until nothing is due, and stops when it is closed', async () => {
    await using file = await temporaryDatabase();
    const database = await file.open();
    await addKeys(database, 501, hoursAgo(25));
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const failures: unknown[] = [];
    const housekeeping = startHousekeeping(asSharedDatabase(database), (error) => failures.push(error));
    vi.advanceTimersByTime(10 * 60 * 1000);
    await vi.waitFor(async () => expect(await rowsOf(database)).toEqual({ keys: 0, inbox: 0 }));
    await housekeeping.close();
    expect(vi.getTimerCount()).toBe(0);
    expect(failures).toEqual([]);
  });

  it('sweeps what only this service has, too, step by step', async () => {
    await using file = await temporaryDatabase();
    const database = await file.open();
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const failures: unknown[] = [];
    const due = [2, 1, 0];
    const own = async () => due.shift() ?? 0;
    const housekeeping = startHousekeeping(asSharedDatabase(database), (error) => failures.push(error), [own]);
    vi.advanceTimersByTime(10 * 60 * 1000);
    await vi.waitFor(() => expect(due).toEqual([]));
    await housekeeping.close();
    expect(failures).toEqual([]);
  });

  it('ends the step at hand before it is closed, and begins no other', async () => {
    await using file = await temporaryDatabase();
    const database = await file.open();
    await addKeys(database, 501, hoursAgo(25));
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const failures: unknown[] = [];
    const housekeeping = startHousekeeping(asSharedDatabase(database), (error) => failures.push(error));
    const write = vi.spyOn(database, 'write');
    vi.advanceTimersByTime(10 * 60 * 1000);
    await housekeeping.close();
    expect(write.mock.settledResults.map(({ type }) => type)).toEqual(['fulfilled', 'fulfilled']);
    expect(await rowsOf(database)).toEqual({ keys: 1, inbox: 0 });
    expect(failures).toEqual([]);
  });

  it('logs a failed sweep, and makes another attempt the next time', async () => {
    await using file = await temporaryDatabase();
    const database = await file.open();
    await database.close();
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const failures: unknown[] = [];
    const housekeeping = startHousekeeping(asSharedDatabase(database), (error) => failures.push(error));
    vi.advanceTimersByTime(10 * 60 * 1000);
    await vi.waitFor(() => expect(failures).toHaveLength(1));
    vi.advanceTimersByTime(10 * 60 * 1000);
    await vi.waitFor(() => expect(failures).toHaveLength(2));
    await housekeeping.close();
  });
});
