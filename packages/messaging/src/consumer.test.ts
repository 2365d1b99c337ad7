import type { CloudEvent } from '@daybook/contracts';
import { type Database, DatabaseUnavailable, idFromBytes } from '@daybook/database';
import { databaseKind } from '@daybook/testing/databases';
import { describe, expect, it } from 'vitest';
import { createConsumer, type Effect, forEach } from './consumer.ts';
import {
  type EffectTables,
  effectsOf,
  eventOf,
  readableLog,
  setReadOnly,
  setRoom,
  temporaryDatabase,
} from './testing.ts';

/** Writes the id of the event. `fail` may throw before or after that. */
const note = (fail: (event: CloudEvent) => void = () => undefined): Effect<EffectTables> =>
  forEach(async (transaction, event) => {
    await transaction.insertInto('effects').values({ text: event.id }).execute();
    fail(event);
  });

function consumerOf(database: Database<EffectTables>, effect: Effect<EffectTables>, name = 'messages') {
  const { logger, lines } = readableLog();
  const types = ['daybook.patient.updated.v1'] as const;
  return { consumer: createConsumer({ name, types, database, effect, logger, inBatches: true }), lines };
}

const inboxOf = async (database: Database<EffectTables>) =>
  (await database.read((db) => db.selectFrom('inbox').select('event_id').execute())).map((row) =>
    idFromBytes(row.event_id),
  );
const parkedIn = (database: Database<EffectTables>) =>
  database.read((db) => db.selectFrom('parked_events').selectAll().execute());

describe('a consumer', () => {
  it('has the effect of an event once, however often the event comes', async () => {
    await using databases = await temporaryDatabase();
    const database = await databases.open();
    const { consumer } = consumerOf(database, note());
    const event = eventOf('a');
    await consumer.handle(event);
    await Promise.all([consumer.handle(event), consumer.handle(event)]);
    expect(await effectsOf(database)).toEqual([event.id]);
  });

  it('has the effect once when the event comes to two instances at the same time', async () => {
    await using databases = await temporaryDatabase();
    const [one, other] = [await databases.open(), await databases.open()];
    const event = eventOf('a');
    await Promise.all(
      [consumerOf(one, note()), consumerOf(other, note())].map(({ consumer }) => consumer.handle(event)),
    );
    expect(await effectsOf(one)).toEqual([event.id]);
  });

  it('does not mind what consumers of other names have handled', async () => {
    await using databases = await temporaryDatabase();
    const database = await databases.open();
    const event = eventOf('a');
    for (const name of ['messages', 'waitlist']) await consumerOf(database, note(), name).consumer.handle(event);
    expect(await effectsOf(database)).toEqual([event.id, event.id]);
  });

  it('stores the effect and the note that it was handled together or not at all', async () => {
    await using databases = await temporaryDatabase();
    const database = await databases.open();
    const event = eventOf('a');
    const seen: unknown[] = [];
    let attempts = 0;
    const { consumer } = consumerOf(database, async (transaction, handled) => {
      seen.push(await transaction.selectFrom('effects').select('text').execute());
      attempts += 1;
      await note(() => {
        if (attempts < 3) throw new Error('not yet');
      })(transaction, handled);
    });
    await consumer.handle(event);
    expect(seen).toEqual([[], [], []]);
    expect(await effectsOf(database)).toEqual([event.id]);
    expect(await inboxOf(database)).toEqual([event.id]);
    expect(await parkedIn(database)).toEqual([]);
  });

  it('handles what comes at the same time together, and what comes meanwhile after that', async () => {
    await using databases = await temporaryDatabase();
    const database = await databases.open();
    const batches: string[][] = [];
    const entered = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const { consumer } = consumerOf(database, async (transaction, events) => {
      batches.push(events.map(({ id }) => id));
      await note()(transaction, events);
      entered.resolve();
      await goOn.promise;
    });
    const [first, second] = [
      [eventOf('a'), eventOf('b')],
      [eventOf('c'), eventOf('d'), eventOf('e')],
    ];
    const handling = first.map(consumer.handle);
    await entered.promise;
    handling.push(...second.map(consumer.handle));
    goOn.resolve();
    await Promise.all(handling);
    expect(batches).toEqual([first, second].map((events) => events.map(({ id }) => id)));
    expect(await effectsOf(database)).toEqual([...first, ...second].map(({ id }) => id));
    expect((await inboxOf(database)).toSorted()).toEqual([...first, ...second].map(({ id }) => id).toSorted());
  });

  it('has the effects of those that come together with one that was handled before, and with one that fails', async () => {
    await using databases = await temporaryDatabase();
    const database = await databases.open();
    const [handled, good, poison, other] = [eventOf('a'), eventOf('b'), eventOf('c'), eventOf('d')];
    const { consumer } = consumerOf(
      database,
      note(({ id }) => {
        if (id === poison.id) throw new RangeError('no');
      }),
    );
    await consumer.handle(handled);
    await Promise.all([handled, good, poison, other].map(consumer.handle));
    expect((await effectsOf(database)).toSorted()).toEqual([handled, good, other].map(({ id }) => id).toSorted());
    expect(await parkedIn(database)).toMatchObject([{ reason: 'RangeError' }]);
  });

  it('parks an event that fails again and again, with its reason, and handles the next one', async () => {
    await using databases = await temporaryDatabase();
    const database = await databases.open();
    const [poison, next] = [eventOf('a'), eventOf('a')];
    let attempts = 0;
    const { consumer, lines } = consumerOf(
      database,
      note(({ id }) => {
        if (id !== poison.id) return;
        attempts += 1;
        throw new RangeError('a patient without a phone');
      }),
    );
    await consumer.handle(poison);
    await consumer.handle(next);
    expect(attempts).toBe(3);
    expect(await effectsOf(database)).toEqual([next.id]);
    const [parked, ...others] = await parkedIn(database);
    expect(others).toEqual([]);
    expect(parked).toMatchObject({ consumer: 'messages', reason: 'RangeError' });
    expect(JSON.parse(parked?.event ?? '')).toEqual(poison);
    expect(lines.filter((line) => line.includes('event parked') && line.includes(poison.id))).toHaveLength(1);
  });

  it('does not handle a parked event again when it comes again', async () => {
    await using databases = await temporaryDatabase();
    const database = await databases.open();
    let failing = true;
    const { consumer } = consumerOf(
      database,
      note(() => {
        if (failing) throw new RangeError('no');
      }),
    );
    const event = eventOf('a');
    await consumer.handle(event);
    failing = false;
    await consumer.handle(event);
    expect(await effectsOf(database)).toEqual([]);
    expect(await parkedIn(database)).toHaveLength(1);
  });

  it('gives an event back when the database is not available, and parks nothing', async () => {
    await using databases = await temporaryDatabase();
    const database = await databases.openInMemory();
    const { consumer } = consumerOf(database, note());
    const event = eventOf('a');
    await setReadOnly(database, true);
    await expect(consumer.handle(event)).rejects.toThrow(DatabaseUnavailable);
    await setReadOnly(database, false);
    expect(await parkedIn(database)).toEqual([]);
    await consumer.handle(event);
    expect(await effectsOf(database)).toEqual([event.id]);
  });

  it.runIf(databaseKind === 'sqlite')(
    'gives an event back when the disk has no room for its effect, though there is room to park it',
    async () => {
      await using databases = await temporaryDatabase();
      const database = await databases.open();
      const { consumer } = consumerOf(database, async (transaction) => {
        await transaction
          .insertInto('effects')
          .values({ text: 'x'.repeat(100_000) })
          .execute();
      });
      const event = eventOf('a');
      await setRoom(database, 1);
      await expect(consumer.handle(event)).rejects.toThrow(DatabaseUnavailable);
      expect(await parkedIn(database)).toEqual([]);
      await setRoom(database, 1_000_000);
      await consumer.handle(event);
      expect(await effectsOf(database)).toHaveLength(1);
    },
  );
});
