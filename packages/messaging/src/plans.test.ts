/** Checks by query plans that outbox, inbox and parked events find their rows through an index. */
import { type Caller, Refusal } from '@daybook/contracts';
import { asSharedDatabase, type Database, idToBytes, newId, storeNoResponse } from '@daybook/database';
import { openObserved } from '@daybook/database/testing/query-plans';
import { expect, it, vi } from 'vitest';
import { createConsumer } from './consumer.ts';
import { createInProcessBus } from './in-process.ts';
import { BEFORE_ALL, createParkedEventStore } from './parked-events.ts';
import { startRelay } from './relay.ts';
import { dueIn, type EffectTables, effectMigrations, eventOf, readableLog, writeEvents } from './testing.ts';

const ROWS = 3000;
const TYPE = 'daybook.patient.updated.v1';
const operator: Caller = { id: 'somebody', role: 'administrator' };
const write = { storeResponse: storeNoResponse, checkVersion: () => undefined };
const { logger } = readableLog();

/** Skips suspended subjects along the key. */
const ALONG_THE_KEY = /^SCAN outbox$|"table":"outbox",.*"type":"index",.*"key":"PRIMARY"/;

it('the relay reads the outbox from its beginning, and forgets what it published by the key, some subjects being held', async () => {
  const { database, observed, analyze, count, faults } = await openObserved<EffectTables>(effectMigrations);
  const held = newId();
  const due = () => Array.from({ length: ROWS }, (_, n) => [n % 100 === 0 ? held : newId(), n + 1] as const);
  await writeEvents(database, due());
  const bus = createInProcessBus();
  await bus.subscribe({
    consumer: 'recorder',
    types: [TYPE],
    async handle({ subject }) {
      if (subject === held) throw new Error('not this one');
    },
  });
  bus.open();
  const relay = startRelay(asSharedDatabase(observed), bus, logger);
  await vi.waitFor(async () => expect(await dueIn(database)).toBe(ROWS / 100), { timeout: 20_000 });
  await relay.close();
  // Restores the due events that the query found.
  await writeEvents(database, due());
  await analyze();
  expect(count()).toBeGreaterThan(3);
  expect(await faults(ALONG_THE_KEY)).toEqual([]);
});

async function fillParked(database: Database<EffectTables>): Promise<void> {
  const rows = Array.from({ length: ROWS }, (_, n) => ({
    consumer: `consumer${n % 3}`,
    event: eventOf(newId()),
    at: n,
  }));
  await database.write(async (tx) => {
    for (let from = 0; from < ROWS; from += 500) {
      const some = rows.slice(from, from + 500).map(({ consumer, event, at }) => ({
        entered: { consumer, event_id: idToBytes(event.id), handled_at: at },
        parked: {
          consumer,
          event_id: idToBytes(event.id),
          event: JSON.stringify(event),
          reason: 'Error',
          parked_at: at,
        },
      }));
      await tx
        .insertInto('inbox')
        .values(some.map(({ entered }) => entered))
        .execute();
      await tx
        .insertInto('parked_events')
        .values(some.map(({ parked }) => parked))
        .execute();
    }
  });
}

it('no list of parked events reads all that there are, and one is found by the key', async () => {
  const { database, observed, analyze, count, faults } = await openObserved<EffectTables>(effectMigrations);
  await fillParked(database);
  await analyze();
  let refuse = true;
  const consumer = createConsumer<EffectTables>({
    name: 'consumer1',
    types: [TYPE],
    database: observed,
    logger,
    async effect() {
      if (refuse) throw new Refusal('not-found', 'not yet');
    },
  });
  const store = createParkedEventStore(asSharedDatabase(observed), [consumer]);
  const [first] = await store.list(operator, { ...BEFORE_ALL, parkedAt: ROWS - 200, consumer: 'consumer0' }, 2);
  const { eventId = '', consumer: name = '' } = first ?? {};
  await expect(store.resend(operator, name, eventId, write)).rejects.toThrow();
  refuse = false;
  await store.resend(operator, name, eventId, write);
  await consumer.park?.(eventOf(newId()));
  expect(count()).toBeGreaterThan(6);
  expect(await faults()).toEqual([]);
});
