/** The contract of every adapter of the bus. A Vitest suite that the adapter's own test file calls. */
import { randomUUID } from 'node:crypto';
import { settlesWithin } from '@daybook/async';
import type { CloudEvent, EventType } from '@daybook/contracts';
import { describe, expect, it, vi } from 'vitest';
import { type Bus, createConsumer, forEach, startRelay } from '../index.ts';
import { type EffectTables, effectsOf, readableLog, temporaryDatabase, writeEvents } from '../testing.ts';

export interface BusUnderTest {
  readonly bus: Bus;
  /** Called when all consumers of a test are subscribed. */
  open(): Promise<void>;
  /** Cuts all connections to the bus in the middle of their traffic, if it has any. */
  cut?(): void;
}

/** A broker may take long to redeliver an event. */
const DELIVERY_DEADLINE_MILLIS = 20_000;
const PATIENT = 'daybook.patient.updated.v1';
const DOCTOR = 'daybook.doctor.updated.v1';

function eventOf(type: EventType, subject: string, sequence = 1): CloudEvent {
  return {
    specversion: '1.0',
    id: randomUUID(),
    source: '/tests',
    type,
    subject,
    time: '2026-11-23T14:00:00Z',
    datacontenttype: 'application/json',
    sequence,
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    data: { patientId: subject, doctorId: subject },
  };
}

/** Publishes like the relay: repeats until the bus has taken the event. */
const publish = (bus: Bus, event: CloudEvent) =>
  vi.waitFor(() => bus.publish(event), { timeout: DELIVERY_DEADLINE_MILLIS });

const eventually = (assertion: () => void) => vi.waitFor(assertion, { timeout: DELIVERY_DEADLINE_MILLIS });

/** Handles events as scripted and records each delivery. */
class Recorder {
  readonly brought: CloudEvent[] = [];
  readonly stored: CloudEvent[] = [];
  /** How many of the next events fail. */
  failing = 0;

  handle = async (event: CloudEvent): Promise<void> => {
    this.brought.push(event);
    if (this.failing > 0) {
      this.failing -= 1;
      throw new Error('cannot be handled now');
    }
    this.stored.push(event);
  };

  /** Returns the sequences without repetitions, which at-least-once delivery allows. */
  get sequences(): number[] {
    return [...new Set(this.stored.map(({ sequence }) => sequence))];
  }

  /** Returns the sequences of each subject. */
  get bySubject(): ReadonlyMap<string, number[]> {
    const sequences = new Map<string, Set<number>>();
    for (const { subject, sequence } of this.stored) {
      sequences.set(subject, (sequences.get(subject) ?? new Set()).add(sequence));
    }
    return new Map([...sequences].map(([subject, those]) => [subject, [...those]]));
  }

  get count(): number {
    return new Set(this.stored.map(({ id }) => id)).size;
  }
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

/**
 * Creates subjects with the events 1 to `count` each. Those of one subject are published one after the other, like a
 * relay does.
 */
function traffic(subjects: number, count: number) {
  const names = Array.from({ length: subjects }, () => randomUUID());
  return {
    expected: new Map(names.map((name) => [name, upTo(count)])),
    total: subjects * count,
    publishTo: (bus: Bus) =>
      Promise.all(
        names.map(async (name) => {
          for (const sequence of upTo(count)) await publish(bus, eventOf(PATIENT, name, sequence));
        }),
      ),
  };
}

const sorted = (sequences: ReadonlyMap<string, number[]>) => [...sequences].toSorted(([a], [b]) => (a < b ? -1 : 1));

/** `create` returns a connected, empty bus for consumers with new names. */
export function describeBusContract(name: string, create: () => Promise<BusUnderTest>): void {
  describe(`${name} is a bus that`, () => {
    /** Every consumer gets a unique name, because the suite may run against a broker that keeps queues. */
    const nameOf = (consumer: string) => `${consumer}-${randomUUID()}`;

    async function withBus(
      test: (bus: Bus, open: () => Promise<void>, cut: BusUnderTest['cut']) => Promise<void>,
    ): Promise<void> {
      const { bus, open, cut } = await create();
      try {
        await test(bus, open, cut);
      } finally {
        await bus.close();
      }
    }

    it('brings an event to every consumer of its type, as it was published', () =>
      withBus(async (bus, open) => {
        const [first, second] = [new Recorder(), new Recorder()];
        await bus.subscribe({ consumer: nameOf('first'), types: [PATIENT], handle: first.handle });
        await bus.subscribe({ consumer: nameOf('second'), types: [DOCTOR, PATIENT], handle: second.handle });
        await open();
        const event = eventOf(PATIENT, randomUUID());
        await publish(bus, event);
        await eventually(() => expect(first.stored).toEqual([event]));
        await eventually(() => expect(second.stored).toEqual([event]));
      }));

    it('brings a consumer no event of another type', () =>
      withBus(async (bus, open) => {
        const doctors = new Recorder();
        await bus.subscribe({ consumer: nameOf('doctors'), types: [DOCTOR], handle: doctors.handle });
        await open();
        await publish(bus, eventOf(PATIENT, randomUUID()));
        const wanted = eventOf(DOCTOR, randomUUID());
        await publish(bus, wanted);
        await eventually(() => expect(doctors.stored).toEqual([wanted]));
      }));

    it('accepts an event without consumers', () =>
      withBus(async (bus, open) => {
        await open();
        await publish(bus, eventOf(PATIENT, randomUUID()));
      }));

    it('keeps the order within a subject', () =>
      withBus(async (bus, open) => {
        const recorder = new Recorder();
        await bus.subscribe({ consumer: nameOf('ordered'), types: [PATIENT], handle: recorder.handle });
        await open();
        const subject = randomUUID();
        const sequences = Array.from({ length: 20 }, (_, index) => index + 1);
        for (const sequence of sequences) await publish(bus, eventOf(PATIENT, subject, sequence));
        await eventually(() => expect(recorder.sequences).toEqual(sequences));
      }));

    it('brings an event again that could not be handled, before the next one of its subject', () =>
      withBus(async (bus, open) => {
        const recorder = new Recorder();
        recorder.failing = 2;
        await bus.subscribe({ consumer: nameOf('stumbling'), types: [PATIENT], handle: recorder.handle });
        await open();
        const subject = randomUUID();
        for (const sequence of [1, 2, 3]) await publish(bus, eventOf(PATIENT, subject, sequence));
        await eventually(() => expect(recorder.sequences).toEqual([1, 2, 3]));
        expect(recorder.brought.slice(0, 3).map(({ sequence }) => sequence)).toEqual([1, 1, 1]);
      }));

    it('brings an event to the other consumers when one cannot handle it', () =>
      withBus(async (bus, open) => {
        const [failing, working] = [new Recorder(), new Recorder()];
        failing.failing = Number.POSITIVE_INFINITY;
        await bus.subscribe({ consumer: nameOf('failing'), types: [PATIENT], handle: failing.handle });
        await bus.subscribe({ consumer: nameOf('working'), types: [PATIENT], handle: working.handle });
        await open();
        const event = eventOf(PATIENT, randomUUID());
        const publishing = publish(bus, event);
        await eventually(() => expect(working.stored).toContainEqual(event));
        await eventually(() => expect(failing.brought.length).toBeGreaterThan(1));
        failing.failing = 0;
        await publishing;
        await eventually(() => expect(failing.stored).toContainEqual(event));
      }));

    it('keeps what comes for a consumer that is away until it is back', () =>
      withBus(async (bus, open) => {
        const consumer = nameOf('away');
        const [before, after] = [new Recorder(), new Recorder()];
        const subscription = await bus.subscribe({ consumer, types: [PATIENT], handle: before.handle });
        await open();
        await subscription.close();
        const event = eventOf(PATIENT, randomUUID());
        const publishing = publish(bus, event);
        await bus.subscribe({ consumer, types: [PATIENT], handle: after.handle });
        await publishing;
        await eventually(() => expect(after.stored).toContainEqual(event));
        expect(before.brought).toEqual([]);
      }));

    it('brings an event to one of the consumers that share a name', () =>
      withBus(async (bus, open) => {
        const consumer = nameOf('shared');
        const [first, second] = [new Recorder(), new Recorder()];
        await bus.subscribe({ consumer, types: [PATIENT], handle: first.handle });
        await bus.subscribe({ consumer, types: [PATIENT], handle: second.handle });
        await open();
        const events = Array.from({ length: 10 }, () => eventOf(PATIENT, randomUUID()));
        for (const event of events) await publish(bus, event);
        await eventually(() => expect([...first.stored, ...second.stored]).toHaveLength(events.length));
      }));

    it.each([
      ['first', 0],
      ['second', 1],
    ])('goes on with the other consumer of a name when the %s one leaves', (_which, leaving) =>
      withBus(async (bus, open) => {
        const consumer = nameOf('shared');
        const recorders = [new Recorder(), new Recorder()] as const;
        const subscriptions = [
          await bus.subscribe({ consumer, types: [PATIENT], handle: recorders[0].handle }),
          await bus.subscribe({ consumer, types: [PATIENT], handle: recorders[1].handle }),
        ];
        await open();
        await subscriptions[leaving]?.close();
        const event = eventOf(PATIENT, randomUUID());
        await publish(bus, event);
        const staying = leaving === 0 ? recorders[1] : recorders[0];
        await eventually(() => expect(staying.stored).toEqual([event]));
      }),
    );

    it('lets no event overtake one of its subject that another consumer of the same name has in hand', () =>
      withBus(async (bus, open) => {
        const consumer = nameOf('slow-and-quick');
        const recorder = new Recorder();
        const slow = Promise.withResolvers<void>();
        const subject = randomUUID();
        const begun: number[] = [];
        const handle = async (event: CloudEvent) => {
          if (event.subject === subject) begun.push(event.sequence);
          if (event.subject === subject && event.sequence === 1) await slow.promise;
          await recorder.handle(event);
        };
        for (const _ of [1, 2]) await bus.subscribe({ consumer, types: [PATIENT], handle });
        await open();
        const publishing = (async () => {
          for (const sequence of upTo(6)) await publish(bus, eventOf(PATIENT, subject, sequence));
        })();
        await eventually(() => expect(begun).toEqual([1]));
        // When this traffic is handled, a later event of the subject would have been handled, too.
        const { publishTo, total } = traffic(10, 5);
        await publishTo(bus);
        await eventually(() => expect(recorder.count).toBe(total));
        expect(begun).toEqual([1]);
        slow.resolve();
        await publishing;
        await eventually(() => expect(recorder.bySubject.get(subject)).toEqual(upTo(6)));
      }));

    it('keeps the order within each of many subjects while events of all of them fail', () =>
      withBus(async (bus, open) => {
        const recorder = new Recorder();
        const failed = new Set<string>();
        const handle = async (event: CloudEvent) => {
          if (event.sequence % 4 === 0 && !failed.has(event.id)) {
            failed.add(event.id);
            throw new Error('cannot be handled now');
          }
          await recorder.handle(event);
        };
        await bus.subscribe({ consumer: nameOf('stumbling'), types: [PATIENT], handle });
        await open();
        const { publishTo, expected, total } = traffic(12, 12);
        await publishTo(bus);
        await eventually(() => expect(recorder.count).toBe(total));
        expect(failed.size).toBe(total / 4);
        expect(sorted(recorder.bySubject)).toEqual(sorted(expected));
      }));

    it('loses nothing and keeps the order when its consumers come and go', () =>
      withBus(async (bus, open) => {
        const consumer = nameOf('changing');
        const recorder = new Recorder();
        const join = () => bus.subscribe({ consumer, types: [PATIENT], handle: recorder.handle });
        let current = await join();
        await open();
        const { publishTo, expected, total } = traffic(10, 60);
        const publishing = publishTo(bus);
        for (const share of upTo(8)) {
          await eventually(() => expect(recorder.count).toBeGreaterThanOrEqual((total * share) / 10));
          // Alternates: the next consumer starts before the last one ends, or after.
          if (share % 2 === 0) await current.close();
          const next = await join();
          if (share % 2 === 1) await current.close();
          current = next;
        }
        await publishing;
        await eventually(() => expect(recorder.count).toBe(total));
        expect(sorted(recorder.bySubject)).toEqual(sorted(expected));
      }));

    it('holds back instead of filling the memory of a slow consumer', () =>
      withBus(async (bus, open) => {
        const PUBLISHERS = 20;
        const recorder = new Recorder();
        const slow = Promise.withResolvers<void>();
        let [inHand, most] = [0, 0];
        const handle = async (event: CloudEvent) => {
          inHand += 1;
          most = Math.max(most, inHand);
          await slow.promise;
          inHand -= 1;
          await recorder.handle(event);
        };
        await bus.subscribe({ consumer: nameOf('slow'), types: [PATIENT], handle });
        await open();
        const { publishTo, total } = traffic(PUBLISHERS, 60);
        const publishing = publishTo(bus);
        await eventually(() => expect(inHand).toBeGreaterThan(1));
        // Either nothing more is accepted, or everything is kept on the disk of a broker.
        await settlesWithin(publishing, 500);
        expect(most).toBeLessThanOrEqual(PUBLISHERS);
        slow.resolve();
        await publishing;
        await eventually(() => expect(recorder.count).toBe(total));
        expect(most).toBeLessThanOrEqual(PUBLISHERS);
      }));

    it('loses nothing and keeps the order when connections are cut, again and again', async (test) =>
      withBus(async (bus, open, cut) => {
        if (!cut) return test.skip('it has no connections');
        const recorder = new Recorder();
        const consumer = nameOf('cut-off');
        for (const _ of [1, 2]) await bus.subscribe({ consumer, types: [PATIENT], handle: recorder.handle });
        await open();
        const { publishTo, expected, total } = traffic(20, 50);
        const publishing = publishTo(bus);
        for (const share of upTo(15)) {
          await eventually(() => expect(recorder.count).toBeGreaterThanOrEqual((total * share) / 20));
          cut();
        }
        await publishing;
        await eventually(() => expect(recorder.count).toBe(total));
        expect(sorted(recorder.bySubject)).toEqual(sorted(expected));
      }));

    it('with outbox and inbox has each effect once and in order, when relay, bus and consumer are cut off at any point', () =>
      withBus(async (bus, open, cut) => {
        await using databases = await temporaryDatabase();
        const database = await databases.open();
        const { logger } = readableLog();
        const name = nameOf('effects');
        const consumer = createConsumer<EffectTables>({
          name,
          types: [PATIENT],
          database,
          logger,
          inBatches: true,
          effect: forEach(async (transaction, { subject, sequence }) => {
            await transaction
              .insertInto('effects')
              .values({ text: `${subject} ${sequence}` })
              .execute();
          }),
        });
        const subjects = Array.from({ length: 8 }, () => randomUUID());
        const [ROUNDS, EACH] = [6, 10];
        let subscription = await bus.subscribe(consumer);
        await open();
        let relay = startRelay(database, bus, logger);
        for (const round of Array(ROUNDS).keys()) {
          const before = (await effectsOf(database)).length;
          const events = upTo(EACH).flatMap((n) => subjects.map((subject) => [subject, round * EACH + n] as const));
          await writeEvents(database, events);
          await vi.waitFor(async () => expect((await effectsOf(database)).length).toBeGreaterThan(before), {
            timeout: DELIVERY_DEADLINE_MILLIS,
          });
          cut?.();
          await relay.close();
          await subscription.close();
          subscription = await bus.subscribe(consumer);
          relay = startRelay(database, bus, logger);
        }
        const expected = subjects.map((subject) => upTo(ROUNDS * EACH).map((sequence) => `${subject} ${sequence}`));
        await vi.waitFor(async () => expect(await effectsOf(database)).toHaveLength(expected.flat().length), {
          timeout: DELIVERY_DEADLINE_MILLIS,
        });
        await relay.close();
        await subscription.close();
        const effects = await effectsOf(database);
        const ofSubject = subjects.map((subject) => effects.filter((effect) => effect.startsWith(subject)));
        expect(ofSubject).toEqual(expected);
      }));

    it('refuses events when it is closed', () =>
      withBus(async (bus, open) => {
        await open();
        await bus.close();
        await expect(bus.publish(eventOf(PATIENT, randomUUID()))).rejects.toThrow('closed');
      }));
  });
}
