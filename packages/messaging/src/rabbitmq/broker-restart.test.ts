/** Restarts or blocks the broker. Due events wait, and all arrive once and in order. */
import { randomUUID } from 'node:crypto';
import { type PrivateBroker, privateBrokers } from '@daybook/testing/private-broker';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createConsumer, forEach } from '../consumer.ts';
import { startRelay } from '../relay.ts';
import {
  dueIn,
  type EffectTables,
  effectsOf,
  eventOf,
  readableLog,
  temporaryDatabase,
  writeEvents,
} from '../testing.ts';
import { createRabbitBus } from './bus.ts';

const DEADLINE_MILLIS = 240_000;
/** The pause between events of the load; a few hundred wait after a slow restart. */
const PAUSE_MILLIS = 150;
const PATIENT = 'daybook.patient.updated.v1';
const CONSUMER = 'messages';

const kinds = await privateBrokers();

/** Creates a service that publishes and consumes, and records its effects. */
async function serviceOn(url: string) {
  const stack = new AsyncDisposableStack();
  const databases = stack.use(await temporaryDatabase());
  const database = await databases.open();
  const { logger, lines } = readableLog();
  const bus = createRabbitBus({ url, name: 'test', logger, consumers: new Map([[CONSUMER, [PATIENT]]]) });
  stack.defer(() => bus.close());
  const consumer = createConsumer<EffectTables>({
    name: CONSUMER,
    types: [PATIENT],
    database,
    logger,
    effect: forEach(async (transaction, { subject, sequence }) => {
      await transaction
        .insertInto('effects')
        .values({ text: `${subject} ${sequence}` })
        .execute();
    }),
  });
  const subscription = await bus.subscribe(consumer);
  stack.defer(() => subscription.close());
  const relay = startRelay(database, bus, logger);
  stack.defer(() => relay.close());
  const subjects = Array.from({ length: 6 }, () => randomUUID());
  let written = 0;
  return {
    bus,
    lines,
    database,
    // Only events of this test, because redeliveries of the previous test may still be in the queue.
    effects: async () =>
      (await effectsOf(database)).filter((text) => subjects.some((subject) => text.startsWith(subject))),
    due: () => dueIn(database),
    /** Writes one more event of each subject. */
    async write() {
      written += 1;
      await writeEvents(
        database,
        subjects.map((subject) => [subject, written] as const),
      );
    },
    get expected() {
      return subjects.map((subject) => Array.from({ length: written }, (_, index) => `${subject} ${index + 1}`));
    },
    async bySubject() {
      const effects = await effectsOf(database);
      return subjects.map((subject) => effects.filter((effect) => effect.startsWith(subject)));
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Repeats the work until it is stopped. */
function underLoad(work: () => Promise<void>) {
  let goesOn = true;
  const working = (async () => {
    while (goesOn) {
      await work();
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLIS));
    }
  })();
  working.catch(() => undefined);
  const stop = () => {
    goesOn = false;
    return working;
  };
  return { stop, [Symbol.asyncDispose]: stop };
}

const eventually = (assertion: () => Promise<void> | void) => vi.waitFor(assertion, { timeout: 100_000, interval: 50 });

describe.skipIf(kinds.length === 0).each(kinds)('the bus over a $name of its own', ({ create }) => {
  let broker: PrivateBroker;

  beforeAll(async () => {
    broker = await create();
  }, DEADLINE_MILLIS);
  afterAll(() => broker?.[Symbol.asyncDispose](), DEADLINE_MILLIS);

  it.each(['killed', 'in order'] as const)(
    'has each effect once and in order, under load, when the broker is stopped %s and started again',
    async (how) => {
      await using service = await serviceOn(broker.url);
      await using load = underLoad(service.write);
      await eventually(async () => expect((await service.effects()).length).toBeGreaterThan(20));
      await broker.stop(how);
      await eventually(() => expect(service.bus.check()).rejects.toThrow('broker'));
      await eventually(async () => expect(await service.due()).toBeGreaterThan(20));
      await broker.start();
      const before = (await service.effects()).length;
      await eventually(async () => expect((await service.effects()).length).toBeGreaterThan(before + 20));
      await load.stop();
      await eventually(async () => expect(await service.due()).toBe(0));
      await eventually(async () => expect(await service.effects()).toHaveLength(service.expected.flat().length));
      expect(await service.bySubject()).toEqual(service.expected);
      // The first events arrive while the connection is still being set up.
      await eventually(() => service.bus.check());
      const warnings = service.lines.filter((line) => line.includes('broker disconnected'));
      // Once for the publisher, once for the consumer.
      expect(warnings).toHaveLength(2);
      expect(warnings.join()).not.toContain('guest');
    },
    DEADLINE_MILLIS,
  );

  it(
    'publishes nothing while the broker is short of memory, goes on consuming, and publishes when it is not',
    async () => {
      await using service = await serviceOn(broker.url);
      await service.bus.untilUp();
      await broker.control('set_vm_memory_high_watermark', '0.00001');
      // The broker reports that it is blocked only when it receives something.
      const closing = new AbortController();
      const waiting = service.bus.publish(
        { ...eventOf(randomUUID()), type: 'daybook.doctor.updated.v1' },
        closing.signal,
      );
      waiting.catch(() => undefined);
      await eventually(async () => expect(service.bus.check()).rejects.toThrow('takes no events'));
      await service.write();
      await eventually(async () => expect(await service.due()).toBe(6));
      expect(await service.effects()).toEqual([]);
      await broker.control('set_vm_memory_high_watermark', '0.4');
      await waiting;
      await eventually(async () => expect(await service.bySubject()).toEqual(service.expected));
      expect(service.lines.filter((line) => line.includes('broker blocked'))).toHaveLength(1);
    },
    DEADLINE_MILLIS,
  );
});
