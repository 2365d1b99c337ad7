/** Faults of RabbitMQ that the contract of the bus does not cover. */
import { randomUUID } from 'node:crypto';
import type { CloudEvent, EventType } from '@daybook/contracts';
import { testBrokers, withBroker } from '@daybook/testing/brokers';
import { openFaultProxyTo } from '@daybook/testing/fault-proxy';
import type { ConsumeMessage } from 'amqplib';
import { describe, expect, it, vi } from 'vitest';
import { createConsumer, forEach } from '../consumer.ts';
import { type EffectTables, effectsOf, eventOf, readableLog, temporaryDatabase } from '../testing.ts';
import { testNamespace } from './testing.ts';
import { DELIVERY_LIMIT } from './topology.ts';

const PATIENT: EventType = 'daybook.patient.updated.v1';
const CONSUMER = 'messages';
const consumers = new Map([[CONSUMER, [PATIENT]]]);
const DEADLINE_MILLIS = 60_000;

const brokers = await testBrokers();
const eventually = (assertion: () => Promise<void> | void) => vi.waitFor(assertion, { timeout: 25_000 });

function recorder() {
  const stored: CloudEvent[] = [];
  return {
    stored,
    ids: () => stored.map(({ id }) => id),
    handle: async (event: CloudEvent) => void stored.push(event),
  };
}

describe.skipIf(brokers.length === 0).each(brokers)('the bus over $name', { timeout: DEADLINE_MILLIS }, ({ url }) => {
  const messagesIn = (queue: string) =>
    withBroker(url, async (connection) => (await (await connection.createChannel()).checkQueue(queue)).messageCount);
  const newEvent = () => eventOf(randomUUID());

  it('keeps events for a consumer of the catalogue that was never started', async () => {
    await using namespace = testNamespace(url);
    const event = newEvent();
    await namespace.bus({ consumers }).publish(event);
    const { handle, ids } = recorder();
    await namespace.bus({ consumers }).subscribe({ consumer: CONSUMER, types: [PATIENT], handle });
    await eventually(() => expect(ids()).toEqual([event.id]));
  });

  it('sends an event as a CloudEvent in structured mode that survives the broker', async () => {
    await using namespace = testNamespace(url);
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const event = { ...newEvent(), traceparent };
    await namespace.bus({ consumers }).publish(event);
    const message = await withBroker(url, async (connection) => {
      const channel = await connection.createChannel();
      const first = Promise.withResolvers<ConsumeMessage | null>();
      await channel.consume(namespace.names.queueOf(CONSUMER), first.resolve, { noAck: true });
      return first.promise;
    });
    expect(message && JSON.parse(message.content.toString('utf8'))).toEqual(event);
    expect(message).toMatchObject({
      fields: { exchange: namespace.names.events, routingKey: 'patient.updated' },
      properties: {
        contentType: 'application/cloudevents+json; charset=utf-8',
        deliveryMode: 2,
        messageId: event.id,
        type: PATIENT,
        headers: { traceparent },
      },
    });
  });

  it('does not take an event while the queue of its consumer is missing, and makes the queue again', async () => {
    await using namespace = testNamespace(url);
    const bus = namespace.bus({ consumers });
    await bus.untilUp();
    await withBroker(url, async (connection) => {
      await (await connection.createChannel()).deleteQueue(namespace.names.queueOf(CONSUMER));
    });
    const event = newEvent();
    await expect(bus.publish(event)).rejects.toThrow('no queue for daybook.patient.updated.v1');
    await bus.publish(event);
    expect(await messagesIn(namespace.names.queueOf(CONSUMER))).toBe(1);
  });

  it('goes on consuming when its queue is taken away and is there again', async () => {
    await using namespace = testNamespace(url);
    const bus = namespace.bus({ consumers });
    const { handle, ids } = recorder();
    await bus.subscribe({ consumer: CONSUMER, types: [PATIENT], handle });
    await bus.untilUp();
    await withBroker(url, async (connection) => {
      await (await connection.createChannel()).deleteQueue(namespace.names.queueOf(CONSUMER));
    });
    const event = newEvent();
    await vi.waitFor(() => bus.publish(event), { timeout: 10_000 });
    await eventually(() => expect(ids()).toContain(event.id));
  });

  it('passes over an event of a type that this version does not want', async () => {
    await using namespace = testNamespace(url);
    const event = newEvent();
    await namespace.bus({ consumers: new Map([[CONSUMER, [PATIENT, 'daybook.doctor.updated.v1']]]) }).publish({
      ...newEvent(),
      type: 'daybook.doctor.updated.v1',
    });
    const bus = namespace.bus({ consumers });
    await bus.publish(event);
    const { handle, ids } = recorder();
    await bus.subscribe({ consumer: CONSUMER, types: [PATIENT], handle });
    await eventually(() => expect(ids()).toEqual([event.id]));
    await eventually(async () => expect(await messagesIn(namespace.names.queueOf(CONSUMER))).toBe(0));
  });

  it.each([
    ['not JSON', Buffer.from('{"specversion":')],
    ['not an event', Buffer.from('{"specversion":"1.0","type":"daybook.patient.updated.v1"}')],
    ['of an unknown type', Buffer.from(JSON.stringify({ ...eventOf(randomUUID()), type: 'com.example.x' }))],
    ['not UTF-8', Buffer.from([0xff, 0xfe])],
  ])('dead-letters a message that is %s, and handles the next one', async (_what, content) => {
    await using namespace = testNamespace(url);
    const { names } = namespace;
    const bus = namespace.bus({ consumers });
    const { handle, ids } = recorder();
    const parked = recorder();
    await bus.subscribe({ consumer: CONSUMER, types: [PATIENT], handle, park: parked.handle });
    await bus.untilUp();
    await withBroker(url, async (connection) => {
      const channel = await connection.createConfirmChannel();
      channel.publish(names.events, 'patient.updated', content, { messageId: 'strange' });
      await channel.waitForConfirms();
    });
    const event = newEvent();
    await bus.publish(event);
    await eventually(() => expect(ids()).toEqual([event.id]));
    await eventually(async () => expect(await messagesIn(names.unreadable)).toBe(1));
    expect(await messagesIn(names.deadLetterQueueOf(CONSUMER))).toBe(0);
    expect(parked.stored).toEqual([]);
    expect(namespace.lines.filter((line) => line.includes('unknown message dead-lettered')).join()).toContain(
      'strange',
    );
  });

  it('parks an event that ends its reader again and again, where it is seen, and handles the next one', async () => {
    await using namespace = testNamespace(url);
    await using databases = await temporaryDatabase();
    await using proxy = await openFaultProxyTo(url);
    const database = await databases.open();
    const { logger, lines } = readableLog();
    const consumer = createConsumer<EffectTables>({
      name: CONSUMER,
      types: [PATIENT],
      database,
      logger,
      effect: forEach(async (transaction, { id }) => {
        await transaction.insertInto('effects').values({ text: id }).execute();
      }),
    });
    const [deadly, next] = [newEvent(), newEvent()];
    let deaths = 0;
    const bus = namespace.bus({ consumers, url: proxy.through(url) });
    await bus.subscribe({
      ...consumer,
      async handle(event) {
        if (event.id !== deadly.id) return consumer.handle(event);
        // Like the end of the process: the outcome of the event is never reported.
        deaths += 1;
        await bus.untilUp();
        proxy.cut();
        throw new Error('gone');
      },
    });
    await namespace.bus({ consumers }).publish(deadly);
    const parked = () => database.read((db) => db.selectFrom('parked_events').selectAll().execute());
    await vi.waitFor(async () => expect(await parked()).toHaveLength(1), { timeout: 50_000 });
    expect((await parked())[0]).toMatchObject({ consumer: CONSUMER, reason: 'DeliveryLimitReached' });
    expect(deaths).toBeGreaterThan(DELIVERY_LIMIT);
    expect(lines.filter((line) => line.includes('dead letter parked'))).toHaveLength(1);
    await bus.publish(next);
    await eventually(async () => expect(await effectsOf(database)).toEqual([next.id]));
    await eventually(async () => expect(await messagesIn(namespace.names.deadLetterQueueOf(CONSUMER))).toBe(0));
  });

  it('leaves the queue to another instance while its own database is away', async () => {
    await using namespace = testNamespace(url);
    const failing = namespace.bus({ consumers, patienceMillis: 300 });
    let away = true;
    const first = recorder();
    await failing.subscribe({
      consumer: CONSUMER,
      types: [PATIENT],
      async handle(event) {
        if (away) throw new Error('no database');
        await first.handle(event);
      },
    });
    await failing.untilUp();
    const working = namespace.bus({ consumers });
    const second = recorder();
    const subscription = await working.subscribe({ consumer: CONSUMER, types: [PATIENT], handle: second.handle });
    await working.untilUp();
    const events = Array.from({ length: 5 }, newEvent);
    await Promise.all(events.map((event) => working.publish(event)));
    await eventually(() => expect(new Set(second.ids())).toEqual(new Set(events.map(({ id }) => id))));
    away = false;
    await eventually(() => expect(first.stored.length).toBeGreaterThan(0));
    await subscription.close();
    const last = newEvent();
    await working.publish(last);
    await eventually(() => expect(first.ids()).toContain(last.id));
  });

  it('waits for a broker that is away, logs that once, and has what waited when it is there', async () => {
    await using namespace = testNamespace(url);
    await using proxy = await openFaultProxyTo(url);
    await proxy.refuse();
    const bus = namespace.bus({ consumers, url: proxy.through(url) });
    const { handle, ids } = recorder();
    await bus.subscribe({ consumer: CONSUMER, types: [PATIENT], handle });
    const event = newEvent();
    const publishing = bus.publish(event);
    const leaving = new AbortController();
    const impatient = bus.publish(newEvent(), leaving.signal);
    leaving.abort();
    await expect(impatient).rejects.toThrow('abort');
    await expect(bus.check()).rejects.toThrow('takes no events');
    const warnings = () => namespace.lines.filter((line) => line.includes('broker disconnected'));
    // Once for the publisher, once for the consumer.
    await eventually(() => expect(warnings()).toHaveLength(2));
    await proxy.heal();
    await publishing;
    await eventually(() => expect(ids()).toEqual([event.id]));
    await bus.check();
    expect(warnings()).toHaveLength(2);
    expect(namespace.lines.join()).not.toContain('guest');
  });

  it('notices a network that swallows everything, and goes on over another connection', async () => {
    await using namespace = testNamespace(url);
    await using proxy = await openFaultProxyTo(url);
    const bus = namespace.bus({ consumers, url: `${proxy.through(url)}?heartbeat=1` });
    const { handle, ids } = recorder();
    await bus.subscribe({ consumer: CONSUMER, types: [PATIENT], handle });
    await bus.untilUp();
    proxy.stall();
    const event = newEvent();
    const publishing = bus.publish(event);
    await eventually(() => expect(bus.check()).rejects.toThrow('broker'));
    proxy.cut();
    await proxy.heal();
    await publishing;
    await eventually(() => expect(ids()).toContain(event.id));
  });

  it('is closed at once while it waits for a broker that does not respond', async () => {
    await using namespace = testNamespace(url);
    await using proxy = await openFaultProxyTo(url);
    proxy.stall();
    const bus = namespace.bus({ consumers, url: proxy.through(url) });
    const publishing = bus.publish(newEvent());
    publishing.catch(() => undefined);
    await vi.waitFor(() => expect(proxy.connections).toBeGreaterThan(0));
    await bus.close();
    await expect(publishing).rejects.toThrow('closed');
  });
});
