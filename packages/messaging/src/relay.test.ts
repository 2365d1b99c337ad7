import type { CloudEvent } from '@daybook/contracts';
import { appendEvent, asSharedDatabase, asSharedTransaction, type Database, newId } from '@daybook/database';
import { databaseKind } from '@daybook/testing/databases';
import { describe, expect, it, vi } from 'vitest';
import { createInProcessBus, type InProcessBus } from './in-process.ts';
import { startRelay } from './relay.ts';
import {
  dueIn,
  type EffectTables,
  effectsOf,
  readableLog,
  setReadOnly,
  temporaryDatabase,
  writeEvents,
} from './testing.ts';

/** Waits longer, because the relay pauses after failures. */
const eventually = (assertion: () => void | Promise<void>) => vi.waitFor(assertion, { timeout: 20_000 });

/** Opens a bus with one consumer. Each event is recorded as `subject sequence` once it is handled. */
async function openBus(handle: (event: CloudEvent) => void | Promise<void> = () => undefined) {
  const bus = createInProcessBus();
  const handled: string[] = [];
  await bus.subscribe({
    consumer: 'recorder',
    types: ['daybook.patient.updated.v1'],
    async handle(event) {
      await handle(event);
      handled.push(`${event.subject} ${event.sequence}`);
    },
  });
  bus.open();
  return { bus, handled };
}

function relayOf(database: Database<EffectTables>, bus: InProcessBus) {
  const { logger, lines } = readableLog();
  const relay = startRelay(asSharedDatabase(database), bus, logger);
  return { lines, close: () => relay.close(), [Symbol.asyncDispose]: () => relay.close() };
}

const three = (subject: string): [string, number][] => [
  [subject, 1],
  [subject, 2],
  [subject, 3],
];

describe('the relay', () => {
  it('delivers what was written before it started, each event once, and forgets it', async () => {
    await using databases = await temporaryDatabase();
    const database = await databases.open();
    const subject = newId();
    await writeEvents(database, three(subject));
    const { bus, handled } = await openBus();
    await using _relay = relayOf(database, bus);
    await eventually(async () => expect(await dueIn(database)).toBe(0));
    expect(handled).toEqual([`${subject} 1`, `${subject} 2`, `${subject} 3`]);
  });

  it('delivers more than fit into one read of the outbox, in order', async () => {
    await using databases = await temporaryDatabase();
    const database = await databases.open();
    const subject = newId();
    const events = Array.from({ length: 250 }, (_, index): [string, number] => [subject, index + 1]);
    await writeEvents(database, events);
    const { bus, handled } = await openBus();
    await using _relay = relayOf(database, bus);
    await eventually(() => expect(handled).toHaveLength(250));
    expect(handled).toEqual(events.map(([, sequence]) => `${subject} ${sequence}`));
  });

  it.skipIf(databaseKind === 'sqlite')('does not wait for a change that takes long to commit', async () => {
    await using databases = await temporaryDatabase();
    const [database, beside] = [await databases.open(), await databases.open()];
    const { bus, handled } = await openBus();
    const [slow, quick] = [newId(), newId()];
    await using _relay = relayOf(database, bus);
    await beside.write(async (transaction) => {
      const event = {
        type: 'daybook.patient.updated.v1',
        subject: slow,
        sequence: 1,
        data: { patientId: slow },
      } as const;
      const origin = { source: '/tests', time: Temporal.Now.instant() };
      await appendEvent(asSharedTransaction(transaction), event, origin);
      await writeEvents(database, three(quick));
      await eventually(() => expect(handled).toHaveLength(3));
      await vi.waitFor(async () => expect(await dueIn(database)).toBe(0), { timeout: 2000 });
    });
    await eventually(() => expect(handled).toContain(`${slow} 1`));
  });

  it('keeps the order within a subject when the first delivery fails', async () => {
    await using databases = await temporaryDatabase();
    const database = await databases.open();
    let failures = 0;
    const { bus, handled } = await openBus(({ sequence }) => {
      if (sequence === 1 && failures < 2) {
        failures += 1;
        throw new Error('not now');
      }
    });
    const subject = newId();
    await using relay = relayOf(database, bus);
    await writeEvents(database, three(subject));
    await eventually(() => expect(handled).toEqual([`${subject} 1`, `${subject} 2`, `${subject} 3`]));
    expect(relay.lines.filter((line) => line.includes('events kept in the outbox'))).toHaveLength(1);
  });

  it('does not hold up other subjects while one fails', async () => {
    await using databases = await temporaryDatabase();
    const database = await databases.open();
    const [failing, working] = [newId(), newId()];
    const { bus, handled } = await openBus(({ subject }) => {
      if (subject === failing) throw new Error('not now');
    });
    await using _relay = relayOf(database, bus);
    await writeEvents(database, [...three(failing), ...three(working)]);
    await eventually(() => expect(handled).toEqual([`${working} 1`, `${working} 2`, `${working} 3`]));
    await writeEvents(database, [[working, 4]]);
    await eventually(() => expect(handled).toContain(`${working} 4`));
    // Repeated failures do not delay them either.
    for (const sequence of [5, 6, 7]) {
      await writeEvents(database, [[working, sequence]]);
      await eventually(() => expect(handled).toContain(`${working} ${sequence}`));
    }
    await eventually(async () => expect(await dueIn(database)).toBe(3));
  });

  it('does not hold up other subjects though more events wait for one than fit into one read', async () => {
    await using databases = await temporaryDatabase();
    const database = await databases.open();
    const [failing, working] = [newId(), newId()];
    const { bus, handled } = await openBus(({ subject }) => {
      if (subject === failing) throw new Error('not now');
    });
    const many = Array.from({ length: 250 }, (_, index): [string, number] => [failing, index + 1]);
    await writeEvents(database, [...many, ...three(working)]);
    await using _relay = relayOf(database, bus);
    await eventually(() => expect(handled).toEqual([`${working} 1`, `${working} 2`, `${working} 3`]));
    await eventually(async () => expect(await dueIn(database)).toBe(250));
  });

  it('is not stopped by an event in the outbox that cannot be read', async () => {
    await using databases = await temporaryDatabase();
    const database = await databases.open();
    const [broken, working] = [newId(), newId()];
    await writeEvents(database, [[broken, 1]]);
    await database.write((transaction) => transaction.updateTable('outbox').set({ event: '{' }).execute());
    await writeEvents(database, [[broken, 2], ...three(working)]);
    const { bus, handled } = await openBus();
    await using relay = relayOf(database, bus);
    await eventually(() => expect(handled).toEqual([`${working} 1`, `${working} 2`, `${working} 3`]));
    await eventually(async () => expect(await dueIn(database)).toBe(2));
    expect(relay.lines.filter((line) => line.includes('events kept in the outbox'))).toHaveLength(1);
  });

  it('neither loses an event whose change was committed nor delivers one whose change was not', async () => {
    await using databases = await temporaryDatabase();
    const database = await databases.open();
    const [kept, undone] = [newId(), newId()];
    const origin = { source: '/tests', time: Temporal.Now.instant() };
    const change = (subject: string, fail: boolean) =>
      database.write(async (transaction) => {
        await transaction.insertInto('effects').values({ text: subject }).execute();
        const event = {
          type: 'daybook.patient.updated.v1',
          subject,
          sequence: 1,
          data: { patientId: subject },
        } as const;
        await appendEvent(asSharedTransaction(transaction), event, origin);
        if (fail) throw new Error('the change is refused after all');
      });
    const { bus, handled } = await openBus();
    const first = relayOf(database, bus);
    await expect(change(undone, true)).rejects.toThrow('refused after all');
    await first.close();
    // Committed without a relay, as when the process ends right after the commit.
    await change(kept, false);
    expect(await effectsOf(database)).toEqual([kept]);
    await using _next = relayOf(database, bus);
    await eventually(async () => expect(await dueIn(database)).toBe(0));
    expect(handled).toEqual([`${kept} 1`]);
  });

  it('wakes on a commit instead of waiting for its next poll of the outbox', async () => {
    await using databases = await temporaryDatabase();
    const database = await databases.open();
    const { bus, handled } = await openBus();
    await using _relay = relayOf(database, bus);
    const subject = newId();
    // Polling alone, four times a second, would exceed the timeout of this test.
    for (let sequence = 1; sequence <= 80; sequence += 1) {
      await writeEvents(database, [[subject, sequence]]);
      await vi.waitFor(() => expect(handled).toHaveLength(sequence), { interval: 1, timeout: 10_000 });
    }
  }, 15_000);

  it('delivers what another process wrote', async () => {
    await using databases = await temporaryDatabase();
    const [database, other] = [await databases.open(), await databases.open()];
    const { bus, handled } = await openBus();
    await using _relay = relayOf(database, bus);
    const subject = newId();
    await writeEvents(other, three(subject));
    await eventually(() => expect(handled).toEqual([`${subject} 1`, `${subject} 2`, `${subject} 3`]));
  });

  it('delivers again what it could not note as delivered', async () => {
    await using databases = await temporaryDatabase();
    const database = await databases.openInMemory();
    let deliveries = 0;
    const { bus, handled } = await openBus(async () => {
      deliveries += 1;
      await setReadOnly(database, deliveries === 1);
    });
    const subject = newId();
    await writeEvents(database, [[subject, 1]]);
    await using _relay = relayOf(database, bus);
    await eventually(async () => expect(await dueIn(database)).toBe(0));
    expect(handled).toEqual([`${subject} 1`, `${subject} 1`]);
  });

  it('goes on after the database was not available', async () => {
    await using databases = await temporaryDatabase();
    const [database, other] = [await databases.open(), await databases.open()];
    const { bus, handled } = await openBus();
    await other.write((transaction) => transaction.schema.alterTable('outbox').renameTo('away').execute());
    await using relay = relayOf(database, bus);
    await eventually(() => expect(relay.lines.join()).toContain('events kept in the outbox'));
    await other.write((transaction) => transaction.schema.alterTable('away').renameTo('outbox').execute());
    const subject = newId();
    await writeEvents(other, [[subject, 1]]);
    await eventually(() => expect(handled).toEqual([`${subject} 1`]));
  });

  it('delivers nothing after it is closed, and the next one goes on there', async () => {
    await using databases = await temporaryDatabase();
    const database = await databases.open();
    const { bus, handled } = await openBus();
    const relay = relayOf(database, bus);
    const subject = newId();
    await writeEvents(database, [[subject, 1]]);
    await eventually(() => expect(handled).toHaveLength(1));
    await relay.close();
    await writeEvents(database, [[subject, 2]]);
    expect(await dueIn(database)).toBe(1);
    expect(handled).toHaveLength(1);
    await using _next = relayOf(database, bus);
    await eventually(() => expect(handled).toEqual([`${subject} 1`, `${subject} 2`]));
  });

  it('finishes the delivery at hand when it is closed', async () => {
    await using databases = await temporaryDatabase();
    const database = await databases.open();
    const { promise: reached, resolve: reach } = Promise.withResolvers<void>();
    const { promise: storing, resolve: store } = Promise.withResolvers<void>();
    const { bus } = await openBus(() => {
      reach();
      return storing;
    });
    await writeEvents(database, [[newId(), 1]]);
    const relay = relayOf(database, bus);
    await reached;
    const closing = relay.close();
    store();
    await closing;
    expect(await dueIn(database)).toBe(0);
  });

  it('can be closed while the bus is not open, and logs nothing', async () => {
    await using databases = await temporaryDatabase();
    const database = await databases.open();
    await writeEvents(database, [[newId(), 1]]);
    const bus = createInProcessBus();
    const publish = vi.spyOn(bus, 'publish');
    const relay = relayOf(database, bus);
    await eventually(() => expect(publish).toHaveBeenCalled());
    await relay.close();
    expect(await dueIn(database)).toBe(1);
    expect(relay.lines).toEqual([]);
  });
});

describe.runIf(databaseKind !== 'sqlite')('of many relays on one database', () => {
  it('one delivers, each event once and in order, and another goes on when it ends', async () => {
    await using databases = await temporaryDatabase();
    const processes = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const database = await databases.open();
        const { bus, handled } = await openBus();
        return { database, handled, relay: relayOf(database, bus) };
      }),
    );
    const [writer] = processes;
    if (!writer) throw new Error('there are four');
    const delivered = () => processes.map(({ handled }) => handled).filter((handled) => handled.length > 0);
    const subjects = [newId(), newId()];
    for (const subject of subjects) await writeEvents(writer.database, three(subject));
    await eventually(async () => expect(await dueIn(writer.database)).toBe(0));
    const expected = subjects.flatMap((subject) => [1, 2, 3].map((sequence) => `${subject} ${sequence}`));
    expect(delivered().map((handled) => handled.toSorted())).toEqual([expected.toSorted()]);

    await processes.find(({ handled }) => handled.length > 0)?.relay.close();
    const later = newId();
    await writeEvents(writer.database, three(later));
    await eventually(async () => expect(await dueIn(writer.database)).toBe(0));
    expect(delivered()).toHaveLength(2);
    expect(
      delivered()
        .flat()
        .filter((event) => event.startsWith(later)),
    ).toEqual([`${later} 1`, `${later} 2`, `${later} 3`]);
    await Promise.all(processes.map(({ relay }) => relay.close()));
  });
});
