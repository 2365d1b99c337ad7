import { cleanDatabase, freshDatabase } from '@daybook/testing/databases';
import { type FaultProxy, openFaultProxy, openFaultProxyTo } from '@daybook/testing/fault-proxy';
import { sql } from 'kysely';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Database } from '../database.ts';
import { AmbiguousCommit, DatabaseUnavailable, DatabaseUnusable } from '../errors.ts';
import { openDatabase } from '../open-database.ts';
import { addNote, insertNote, type NoteTables, noteMigrations, notesOf } from '../testing.ts';
import { connect, createConnectionSource, SESSIONS } from './connections.ts';
import { send } from './driver.ts';
import { parseMysqlUrl } from './url.ts';

async function openAt(url: string): Promise<Database<NoteTables>> {
  const database = await openDatabase<NoteTables>(url, noteMigrations);
  onTestFinished(() => database.close());
  return database;
}

/** Opens a database behind a network that can fail, and the same database directly. */
async function openBehind(): Promise<{
  network: FaultProxy;
  database: Database<NoteTables>;
  beside: Database<NoteTables>;
}> {
  const direct = await cleanDatabase('notes');
  const network = await openFaultProxyTo(direct);
  onTestFinished(() => network.close());
  return { network, database: await openAt(network.through(direct)), beside: await openAt(direct) };
}

/** Matches the first message whose statement begins with `words`. The bytes before the statement are not text. */
const firstOf = (words: string) => {
  let seen = false;
  return (message: Buffer): boolean => {
    const isIt = !seen && /[a-z].*/s.exec(message.subarray(4).toString('latin1'))?.[0].startsWith(words) === true;
    seen ||= isIt;
    return isIt;
  };
};

describe('a commit with a lost response', () => {
  it('is not run again, and is not reported as failed: here it succeeded', async () => {
    const { network, database, beside } = await openBehind();
    const isCommit = firstOf('commit');
    network.loseWhere((bytes) => (isCommit(bytes) ? 'response' : undefined));
    let runs = 0;
    const writing = database.write(async (transaction) => {
      runs += 1;
      await insertNote(transaction, 'once').execute();
    });
    await expect(writing).rejects.toThrow(AmbiguousCommit);
    expect([runs, network.lost]).toEqual([1, 1]);
    await vi.waitFor(async () => expect(await notesOf(beside)).toEqual(['once']));
    await addNote(database, 'later');
    expect(await notesOf(database)).toEqual(['once', 'later']);
  });

  it('is not run again, and is not reported as failed: here it did not succeed', async () => {
    const { network, database, beside } = await openBehind();
    const isCommit = firstOf('commit');
    network.loseWhere((bytes) => (isCommit(bytes) ? 'request' : undefined));
    await expect(addNote(database, 'never')).rejects.toThrow(AmbiguousCommit);
    expect(network.lost).toBe(1);
    expect(await notesOf(beside)).toEqual([]);
  });
});

describe('a connection that is lost', () => {
  it('before the commit lets all of the work run again, once', async () => {
    const { network, database, beside } = await openBehind();
    const isInsert = firstOf('insert into `notes`');
    network.loseWhere((bytes) => (isInsert(bytes) ? 'response' : undefined));
    let runs = 0;
    await database.write(async (transaction) => {
      runs += 1;
      await insertNote(transaction, `run ${runs}`).execute();
    });
    expect(await notesOf(beside)).toEqual(['run 2']);
  });

  it('while a read waits lets it be read again', async () => {
    const { network, database } = await openBehind();
    await addNote(database, 'kept');
    const isSelect = firstOf('select `text`');
    network.loseWhere((bytes) => (isSelect(bytes) ? 'response' : undefined));
    expect(await notesOf(database)).toEqual(['kept']);
    expect(network.lost).toBe(1);
  });

  it('while it is idle is replaced', async () => {
    const { network, database } = await openBehind();
    await addNote(database, 'before');
    network.cut();
    await addNote(database, 'after');
    expect(await notesOf(database)).toEqual(['before', 'after']);
  });

  it('because the server is away fails with DatabaseUnavailable, and the next one works when the server is back', async () => {
    const { network, database } = await openBehind();
    await addNote(database, 'before');
    await network.refuse();
    await expect(addNote(database, 'never')).rejects.toSatisfy(
      (error) => error instanceof DatabaseUnavailable && error.reason === 'ECONNREFUSED',
    );
    await expect(notesOf(database)).rejects.toThrow(DatabaseUnavailable);
    await expect(database.check()).rejects.toThrow();
    await network.heal();
    await database.check();
    await addNote(database, 'after');
    expect(await notesOf(database)).toEqual(['before', 'after']);
  });
});

describe('a session', () => {
  it('is strict, in UTC, reads what is committed and waits for nothing without end', async () => {
    const database = await openAt(await cleanDatabase('notes'));
    const settings = sql<{ mode: string; zone: string; wait: number; isolation: string; seconds: number }>`
      select @@session.sql_mode as mode, @@session.time_zone as zone, @@session.innodb_lock_wait_timeout as wait,
        /*!80000 @@session.transaction_isolation as isolation, @@session.max_execution_time / 1000 as seconds */
        /*M!100600 @@session.tx_isolation as isolation, @@session.max_statement_time as seconds */`;
    const ofReads = await database.read((db) => settings.execute(db));
    const ofWrites = await database.write((db) => settings.execute(db));
    for (const { rows } of [ofReads, ofWrites]) {
      expect(rows).toMatchObject([{ zone: '+00:00', wait: 5, isolation: 'READ-COMMITTED' }]);
      expect(rows[0]?.mode).toContain('STRICT_ALL_TABLES');
      expect(Number(rows[0]?.seconds)).toBe(10);
    }
  });

  it('refuses what does not fit instead of cutting it', async () => {
    const database = await openAt(await cleanDatabase('notes'));
    const row = { consumer: 'x'.repeat(101), event_id: new Uint8Array(16), handled_at: 0 };
    await expect(database.write((db) => db.insertInto('inbox').values(row).execute())).rejects.toThrow('too long');
  });

  it('ends when a statement gets no response in time', async () => {
    const connection = await connect(parseMysqlUrl(await freshDatabase()), SESSIONS.read);
    onTestFinished(() => connection.destroy());
    await expect(send(connection, 'select sleep(5)', [], 50)).rejects.toMatchObject({ code: 'STATEMENT_DEADLINE' });
    await expect(send(connection, 'select 1', [], 1000)).rejects.toThrow();
  });
});

describe('a pool', () => {
  it('is kept while there is work for it, however many there are', async () => {
    const database = await openAt(await cleanDatabase('notes'));
    const seen = new Set<unknown>();
    async function readOnce(): Promise<void> {
      const { rows } = await database.read((db) => sql<{ id: number }>`select connection_id() as id`.execute(db));
      seen.add(rows[0]?.id);
    }
    const readers = 5;
    const until = performance.now() + 2_500;
    while (performance.now() < until) {
      await Promise.all(Array.from({ length: readers }, readOnce));
      for (let alone = 0; alone < 100; alone += 1) await readOnce();
    }
    expect(seen.size).toBe(readers);
  });

  it('bounds how long calls wait, and how many', async () => {
    const source = createConnectionSource(parseMysqlUrl(await freshDatabase()), 'read', 1);
    onTestFinished(() => source.close());
    const pooled = await source.acquire();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const waiting = Array.from({ length: 2001 }, () => source.acquire().catch((error) => error.message));
    vi.advanceTimersByTime(5000);
    const refusals = Map.groupBy(await Promise.all(waiting), (message) => message);
    expect([...refusals].map(([message, of]) => [message, of.length])).toEqual([
      ['No connection to the database became free in time.', 2000],
      ['Too many callers wait for a connection to the database.', 1],
    ]);
    vi.useRealTimers();
    pooled.release();
    (await source.acquire()).release();
  });
});

it('a read cannot carry a second statement', async () => {
  const database = await openAt(await cleanDatabase('notes'));
  const two = sql`select 1; select 2`;
  await expect(database.read((db) => two.execute(db))).rejects.toMatchObject({ code: 'ER_PARSE_ERROR' });
});

describe('an advisory lock', () => {
  it('belongs to one process at a time, and to another when that releases it or its connection ends', async () => {
    const url = await cleanDatabase('notes');
    const [one, other] = [(await openAt(url)).advisoryLock('test'), (await openAt(url)).advisoryLock('test')];
    onTestFinished(async () => void (await Promise.all([one.close(), other.close()])));
    expect([await one.tryAcquire(), await other.tryAcquire(), await one.tryAcquire()]).toEqual([true, false, true]);
    await one.close();
    await vi.waitFor(async () => expect(await other.tryAcquire()).toBe(true));
    expect(await one.tryAcquire()).toBe(false);
  });

  it('goes to another when its holder is cut off', async () => {
    const { network, database, beside } = await openBehind();
    const [held, wanted] = [database.advisoryLock('test'), beside.advisoryLock('test')];
    onTestFinished(async () => void (await Promise.all([held.close(), wanted.close()])));
    expect([await held.tryAcquire(), await wanted.tryAcquire()]).toEqual([true, false]);
    await network.refuse();
    await vi.waitFor(async () => expect(await wanted.tryAcquire()).toBe(true));
    await vi.waitFor(() => expect(held.tryAcquire()).rejects.toThrow());
  });

  it('is another one on another database', async () => {
    const urls = [await cleanDatabase('notes'), await cleanDatabase('other notes')];
    for (const url of urls) {
      const lock = (await openAt(url)).advisoryLock('test');
      onTestFinished(() => lock.close());
      expect(await lock.tryAcquire()).toBe(true);
    }
  });
});

describe('a database that is named wrongly', () => {
  const refusalOf = async (change: (url: URL) => void): Promise<string> => {
    const url = new URL(await freshDatabase());
    change(url);
    const error = await openDatabase(url.href, noteMigrations).then(
      () => new Error('it was opened'),
      (reason) => reason,
    );
    expect(error).toBeInstanceOf(DatabaseUnusable);
    return error.message;
  };

  it.each([
    [
      'a wrong password',
      (url: URL) => Object.assign(url, { username: 'daybook_nobody', password: 'secret' }),
      'denied',
    ],
    ['no database', (url: URL) => Object.assign(url, { pathname: '/' }), 'name of a database'],
    ['an unknown setting', (url: URL) => url.searchParams.set('timeout', '1'), 'timeout is not one of'],
    ['too few connections', (url: URL) => url.searchParams.set('connections', '1'), 'connections is a number'],
    ['an unknown mode of TLS', (url: URL) => url.searchParams.set('ssl-mode', 'maybe'), 'ssl-mode is one of'],
    ['certificates that are not there', (url: URL) => url.searchParams.set('ssl-ca', '/none.pem'), '/none.pem'],
    ['a server that cannot prove who it is', (url: URL) => url.searchParams.set('ssl-mode', 'verify-identity'), ''],
  ])('by %s stops the start, without showing a password', async (_what, change, words) => {
    const message = await refusalOf(change);
    expect(message).toContain(words);
    expect(message).not.toContain('secret');
  });

  it('is not made by a server that is not there: that may still come', async () => {
    await using network = await openFaultProxy({ host: '127.0.0.1', port: 1 });
    await network.refuse();
    const opening = openDatabase(`mysql://root@127.0.0.1:${network.port}/daybook_test_none`, noteMigrations);
    await expect(opening).rejects.toThrow(DatabaseUnavailable);
  });
});

it('a database that is not there is made', async () => {
  const url = new URL(await freshDatabase());
  const admin = await connect(parseMysqlUrl(url.href), SESSIONS.migrate);
  onTestFinished(() => admin.destroy());
  await send(admin, `drop database ${url.pathname.slice(1)}`, [], 5000);
  await addNote(await openAt(url.href), 'first');
});
