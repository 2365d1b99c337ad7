import { createInProcessBus, type Subscription } from '@daybook/messaging';
import { describe, expect, it } from 'vitest';
import { readableLog } from '../testing.ts';
import { systemClock } from './clock.ts';
import type { HostProcess } from './host-process.ts';
import { subscribeAll, withServiceBus } from './service-bus.ts';
import { StartFailure } from './start-failure.ts';

/** An address where nothing listens. */
const AWAY = 'amqp://ana:secret@127.0.0.1:1';

function hostOf() {
  const { logger, lines } = readableLog();
  const host: HostProcess = {
    environment: {},
    logger,
    registryUrls: [],
    bus: createInProcessBus(),
    relaysEvents: false,
    fetchIntervalMillis: 1000,
    clock: systemClock,
  };
  return { host, lines };
}

describe('the bus of a service', () => {
  it('is that of the process where no broker is named', async () => {
    const { host } = hostOf();
    await using resources = new AsyncDisposableStack();
    expect(await withServiceBus(host, undefined, 'thing-service', resources)).toBe(host);
  });

  it('is RabbitMQ where one is named, and hands over what is in the outbox; it is there though the broker is away', async () => {
    const { host, lines } = hostOf();
    const resources = new AsyncDisposableStack();
    const { bus, relaysEvents } = await withServiceBus(host, AWAY, 'thing-service', resources);
    expect(bus).not.toBe(host.bus);
    expect(relaysEvents).toBe(true);
    await expect(bus.check()).rejects.toThrow('takes no events');
    await expect.poll(() => lines.filter((line) => line.includes('broker disconnected'))).toHaveLength(1);
    expect(lines.join()).not.toContain('secret');
    await resources.disposeAsync();
    await host.bus.check();
  });

  it.each(['amqp://ana:secret@broker/a/b', 'amqp://ana:secret@broker?verify=none'])(
    'fails the start with 78, in words without the secret, for an address that cannot be one: %s',
    async (url) => {
      await using resources = new AsyncDisposableStack();
      const starting = withServiceBus(hostOf().host, url, 'thing-service', resources);
      await expect(starting).rejects.toSatisfy(
        (error) =>
          error instanceof StartFailure &&
          error.exitCode === 78 &&
          error.message.startsWith('Wrong configuration: AMQP_URL has ') &&
          !error.message.includes('secret'),
      );
    },
  );
});

it('consumers receive events until the resources of their service close', async () => {
  const bus = createInProcessBus();
  bus.open();
  const handled: string[] = [];
  const consumerOf = (name: string): Subscription => ({
    consumer: name,
    types: ['daybook.patient.registered.v1'],
    handle: async (event) => void handled.push(`${name} ${event.id}`),
  });
  const publish = (id: string) =>
    bus.publish({
      specversion: '1.0',
      id,
      source: '/tests',
      type: 'daybook.patient.registered.v1',
      subject: 'ana',
      time: '2026-11-02T08:00:00.000Z',
      datacontenttype: 'application/json',
      sequence: 1,
      data: { patientId: 'ana' },
    });
  const resources = new AsyncDisposableStack();
  await subscribeAll(bus, [consumerOf('one'), consumerOf('two')], resources);
  await publish('first');
  await resources.disposeAsync();
  await expect(publish('second')).rejects.toThrow('not every consumer could handle the event');
  await bus.close();
  expect(handled.sort()).toEqual(['one first', 'two first']);
});
