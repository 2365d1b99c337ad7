import { type Caller, type CloudEvent, type ParkedEvent, ROLES } from '@daybook/contracts';
import {
  asSharedDatabase,
  type Database,
  DatabaseUnavailable,
  idToBytes,
  insertStoredResponse,
  storeNoResponse,
  type WriteContext,
} from '@daybook/database';
import { databaseKind } from '@daybook/testing/databases';
import { describe, expect, it } from 'vitest';
import { createConsumer, type Effect, forEach } from './consumer.ts';
import { BEFORE_ALL, createParkedEventStore, type ParkedEventKey } from './parked-events.ts';
import {
  type EffectTables,
  effectsOf,
  eventOf,
  readableLog,
  setReadOnly,
  setRoom,
  temporaryDatabase,
} from './testing.ts';

const ADMINISTRATOR: Caller = { id: 'administrator', role: 'administrator' };
const plainWrite: WriteContext<ParkedEvent> = { storeResponse: storeNoResponse, checkVersion: () => undefined };
const refusal = (code: string) => expect.objectContaining({ code });

const millisOf = (event: ParkedEvent | undefined) => Temporal.Instant.from(event?.parkedAt ?? '').epochMilliseconds;

/** The failure of an effect, to be fixed later. */
interface Cause {
  failure: Error | undefined;
}

/** Writes the id of the event first, so that a failing effect has something to roll back. */
const failingWhile = (cause: Cause): Effect<EffectTables> =>
  forEach(async (transaction, event) => {
    await transaction.insertInto('effects').values({ text: event.id }).execute();
    if (cause.failure) throw cause.failure;
  });

function instanceOn(database: Database<EffectTables>, cause: Cause, name = 'messages') {
  const { logger, lines } = readableLog();
  const effect = failingWhile(cause);
  const consumer = createConsumer({ name, types: ['daybook.patient.updated.v1'], database, effect, logger });
  const store = createParkedEventStore(asSharedDatabase(database), [consumer]);
  return {
    consumer,
    lines,
    all: () => store.list(ADMINISTRATOR, BEFORE_ALL, 100),
    list: store.list,
    resend: (event: CloudEvent, write = plainWrite) => store.resend(ADMINISTRATOR, name, event.id, write),
  };
}

/** Runs a consumer with one parked event. */
async function withParked(database: Database<EffectTables>) {
  const cause: Cause = { failure: new RangeError('a patient without a phone') };
  const event = eventOf('a');
  const instance = instanceOn(database, cause);
  await instance.consumer.handle(event);
  return { cause, event, ...instance };
}

describe('the list of parked events', () => {
  it('has of each its identity, reason and time, and nothing of its data', async () => {
    await using databases = await temporaryDatabase();
    const { all, event } = await withParked(await databases.open());
    expect(await all()).toEqual([
      {
        consumer: 'messages',
        eventId: event.id,
        type: event.type,
        subject: 'a',
        sequence: 1,
        source: '/tests',
        time: '2026-11-23T14:00:00Z',
        reason: 'RangeError',
        parkedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/),
      },
    ]);
  });

  it('is read in pages, oldest first, of which none misses or repeats an event, also of the same moment', async () => {
    await using databases = await temporaryDatabase();
    const database = await databases.open();
    const events = Array.from({ length: 30 }, (_, index) => ({
      consumer: `consumer-${index % 3}`,
      event: eventOf('a'),
      parkedAt: 1_000 + Math.floor(index / 10),
    }));
    await database.write((transaction) =>
      transaction
        .insertInto('parked_events')
        .values(
          events.toReversed().map(({ consumer, event, parkedAt }) => ({
            consumer,
            event_id: idToBytes(event.id),
            event: JSON.stringify(event),
            reason: 'Error',
            parked_at: parkedAt,
          })),
        )
        .execute(),
    );
    const { list } = instanceOn(database, { failure: undefined });
    const seen: ParkedEventKey[] = [];
    for (let after = BEFORE_ALL; ; ) {
      const page = await list(ADMINISTRATOR, after, 7);
      seen.push(
        ...page.map(({ parkedAt, consumer, eventId }) => ({
          parkedAt: Temporal.Instant.from(parkedAt).epochMilliseconds,
          consumer,
          eventId,
        })),
      );
      const last = seen.at(-1);
      if (page.length < 7 || !last) break;
      after = last;
    }
    const inOrder = events
      .map(({ consumer, event, parkedAt }) => ({ parkedAt, consumer, eventId: event.id }))
      .sort((one, other) => (JSON.stringify(Object.values(one)) < JSON.stringify(Object.values(other)) ? -1 : 1));
    expect(seen).toEqual(inOrder);
  });

  it.each(ROLES.filter((role) => role !== 'administrator'))(
    'is not for the role %s, nor is sending again',
    async (role) => {
      await using databases = await temporaryDatabase();
      const { consumer } = instanceOn(await databases.open(), { failure: undefined });
      const store = createParkedEventStore(asSharedDatabase(await databases.open()), [consumer]);
      const caller = { id: 'somebody', role };
      await expect(store.list(caller, BEFORE_ALL, 1)).rejects.toEqual(refusal('forbidden'));
      await expect(store.resend(caller, 'messages', eventOf('a').id, plainWrite)).rejects.toEqual(refusal('forbidden'));
    },
  );

  it('shows the events of a removed consumer, which cannot be resent', async () => {
    await using databases = await temporaryDatabase();
    const database = await databases.open();
    const { event } = await withParked(database);
    const others = instanceOn(database, { failure: undefined }, 'others');
    expect(await others.all()).toHaveLength(1);
    const store = createParkedEventStore(asSharedDatabase(database), [others.consumer]);
    await expect(store.resend(ADMINISTRATOR, 'messages', event.id, plainWrite)).rejects.toThrow(
      'There is no consumer with this name.',
    );
  });
});

describe('a parked event that is sent again', () => {
  it('has its effect, is parked no more, and is returned as it was', async () => {
    await using databases = await temporaryDatabase();
    const database = await databases.open();
    const { cause, event, all, resend } = await withParked(database);
    const [parked] = await all();
    cause.failure = undefined;
    expect(await resend(event)).toEqual(parked);
    expect(await effectsOf(database)).toEqual([event.id]);
    expect(await all()).toEqual([]);
    await expect(resend(event)).rejects.toEqual(refusal('not-found'));
    expect(await effectsOf(database)).toEqual([event.id]);
  });

  it('has its effect once when it is sent again twice at the same time, by two instances', async () => {
    await using databases = await temporaryDatabase();
    const database = await databases.open();
    const { cause, event, resend } = await withParked(database);
    const other = instanceOn(await databases.open(), cause);
    cause.failure = undefined;
    const outcomes = await Promise.allSettled([resend(event), other.resend(event), resend(event), other.resend(event)]);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const reasons = outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }) => reason);
    expect(reasons).toEqual(Array(3).fill(refusal('not-found')));
    expect(await effectsOf(database)).toEqual([event.id]);
  });

  it('has its effect once when the bus brings it again at the same time, before and after', async () => {
    await using databases = await temporaryDatabase();
    const database = await databases.open();
    const { cause, event, consumer, resend } = await withParked(database);
    const other = instanceOn(await databases.open(), cause);
    cause.failure = undefined;
    await consumer.handle(event);
    await Promise.all([resend(event), consumer.handle(event), other.consumer.handle(event)]);
    await consumer.handle(event);
    expect(await effectsOf(database)).toEqual([event.id]);
  });

  it('has its effect once when the bus brings it again after the inbox had forgotten it', async () => {
    await using databases = await temporaryDatabase();
    const database = await databases.open();
    const { cause, event, consumer, resend } = await withParked(database);
    await database.write((transaction) => transaction.deleteFrom('inbox').execute());
    cause.failure = undefined;
    await resend(event);
    await consumer.handle(event);
    expect(await effectsOf(database)).toEqual([event.id]);
  });

  it('stays parked with the new reason and time when it fails again, and has no effect', async () => {
    await using databases = await temporaryDatabase();
    const database = await databases.open();
    const { cause, event, all, lines, resend } = await withParked(database);
    const [before] = await all();
    const parkedAt = millisOf(before);
    await expect.poll(() => Temporal.Now.instant().epochMilliseconds).toBeGreaterThan(parkedAt);
    cause.failure = new TypeError('a doctor without hours');
    await expect(resend(event)).rejects.toThrow('It failed again (TypeError) and stays parked.');
    const [after, ...others] = await all();
    expect(others).toEqual([]);
    expect(after).toEqual({ ...before, reason: 'TypeError', parkedAt: expect.any(String) });
    expect(millisOf(after)).toBeGreaterThan(parkedAt);
    expect(await effectsOf(database)).toEqual([]);
    expect(lines.filter((line) => line.includes('resend failed') && line.includes(event.id))).toHaveLength(1);
    cause.failure = undefined;
    await resend(event);
    expect(await effectsOf(database)).toEqual([event.id]);
  });

  it('is gone, not still parked, when another one took it out while this one failed', async () => {
    await using databases = await temporaryDatabase();
    const database = await databases.open();
    const { event } = await withParked(database);
    const other = await databases.open();
    const { logger } = readableLog();
    const failing = createConsumer<EffectTables>({
      name: 'messages',
      types: [event.type],
      // Its transaction ends with the failure; afterwards the event is gone.
      database: {
        ...forwarded(database),
        write: async (work) => {
          try {
            return await database.write(work);
          } catch (error) {
            await other.write((transaction) => transaction.deleteFrom('parked_events').execute());
            throw error;
          }
        },
      },
      effect: async () => {
        throw new Error('no');
      },
      logger,
    });
    await expect(failing.resend(event.id, plainWrite)).rejects.toEqual(refusal('not-found'));
  });

  it('stays parked as it was when the database is not available', async () => {
    await using databases = await temporaryDatabase();
    const database = await databases.openInMemory();
    const { cause, event, all, resend } = await withParked(database);
    const before = await all();
    cause.failure = undefined;
    await setReadOnly(database, true);
    await expect(resend(event)).rejects.toThrow(DatabaseUnavailable);
    await setReadOnly(database, false);
    expect(await all()).toEqual(before);
  });

  it.runIf(databaseKind === 'sqlite')('stays parked as it was when the disk has no room for its effect', async () => {
    await using databases = await temporaryDatabase();
    const database = await databases.open();
    const { event, all } = await withParked(database);
    const before = await all();
    const { logger } = readableLog();
    const consumer = createConsumer<EffectTables>({
      name: 'messages',
      types: [event.type],
      database,
      effect: async (transaction) => {
        await transaction
          .insertInto('effects')
          .values({ text: 'x'.repeat(100_000) })
          .execute();
      },
      logger,
    });
    await setRoom(database, 1);
    await expect(consumer.resend(event.id, plainWrite)).rejects.toThrow(DatabaseUnavailable);
    await setRoom(database, 1_000_000);
    expect(await all()).toEqual(before);
    await consumer.resend(event.id, plainWrite);
    expect(await effectsOf(database)).toHaveLength(1);
  });

  it('is not reported as failed when its effect failed for a moment and something else then did', async () => {
    await using databases = await temporaryDatabase();
    const database = await databases.open();
    const { cause, event, all, resend } = await withParked(database);
    const before = await all();
    const SQLITE_BUSY = 5;
    cause.failure = Object.assign(new Error('busy'), { errcode: SQLITE_BUSY });
    const failure = new Error('the response cannot be stored');
    const mend = () => {
      setImmediate(() => {
        cause.failure = undefined;
      });
    };
    const write = { checkVersion: mend, storeResponse: () => Promise.reject(failure) };
    await expect(resend(event, write)).rejects.toBe(failure);
    expect(await all()).toEqual(before);
  });

  it('has its effect together with its stored response or not at all', async () => {
    await using databases = await temporaryDatabase();
    const database = await databases.open();
    const { cause, event, all, resend } = await withParked(database);
    cause.failure = undefined;
    const keeping: WriteContext<ParkedEvent> = {
      ...plainWrite,
      storeResponse: (transaction, { eventId }) => {
        const response = { fingerprint: new Uint8Array(1), status: 200, headers: {}, body: eventId };
        return insertStoredResponse(database.dialect, transaction, 'administrator', 'key', response);
      },
    };
    const failure = new Error('the response cannot be stored');
    await expect(resend(event, { ...plainWrite, storeResponse: () => Promise.reject(failure) })).rejects.toBe(failure);
    expect(await effectsOf(database)).toEqual([]);
    expect(await all()).toHaveLength(1);
    await resend(event, keeping);
    const responses = await database.read((db) => db.selectFrom('idempotency_keys').select('body').execute());
    expect(responses).toEqual([{ body: event.id }]);
    expect(await effectsOf(database)).toEqual([event.id]);
  });

  it('is refused with If-Match', async () => {
    await using databases = await temporaryDatabase();
    const database = await databases.open();
    const { cause, event, all, resend } = await withParked(database);
    cause.failure = undefined;
    const failure = new Error('another version');
    const demanding: WriteContext<ParkedEvent> = {
      ...plainWrite,
      checkVersion: () => {
        throw failure;
      },
    };
    await expect(resend(event, demanding)).rejects.toBe(failure);
    expect(await effectsOf(database)).toEqual([]);
    expect(await all()).toHaveLength(1);
  });
});

describe('an event that was parked so long ago that the inbox has forgotten it', () => {
  it('is parked once when it comes and fails again', async () => {
    await using databases = await temporaryDatabase();
    const database = await databases.open();
    const { cause, event, consumer, all } = await withParked(database);
    await database.write((transaction) => transaction.deleteFrom('inbox').execute());
    cause.failure = new TypeError('still not');
    await consumer.handle(event);
    expect((await all()).map(({ reason }) => reason)).toEqual(['TypeError']);
  });
});

/** Forwards the methods of a database, which an object spread would omit. */
function forwarded(database: Database<EffectTables>): Database<EffectTables> {
  return {
    dialect: database.dialect,
    read: (query) => database.read(query),
    write: (work) => database.write(work),
    onEvents: (listener) => database.onEvents(listener),
    advisoryLock: (name) => database.advisoryLock(name),
    purgeDeleted: () => database.purgeDeleted(),
    check: () => database.check(),
    close: () => database.close(),
  };
}
