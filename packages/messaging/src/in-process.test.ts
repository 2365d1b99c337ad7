import { describe, expect, it } from 'vitest';
import { createInProcessBus } from './in-process.ts';
import { describeBusContract } from './testing/bus-contract.ts';
import { eventOf } from './testing.ts';

describeBusContract('the bus of one process', async () => {
  const bus = createInProcessBus();
  return { bus, open: async () => bus.open() };
});

describe('the bus of one process', () => {
  it('waits until every consumer is there', async () => {
    const bus = createInProcessBus();
    const handled: string[] = [];
    const event = eventOf('a subject');
    const publishing = bus.publish(event);
    await bus.subscribe({
      consumer: 'late',
      types: [event.type],
      handle: async ({ id }) => void handled.push(id),
    });
    bus.open();
    await publishing;
    expect(handled).toEqual([event.id]);
  });

  it('takes an event only when every consumer has stored its effect', async () => {
    const bus = createInProcessBus();
    const storing = Promise.withResolvers<void>();
    const event = eventOf('a subject');
    await bus.subscribe({ consumer: 'slow', types: [event.type], handle: () => storing.promise });
    bus.open();
    let isPublished = false;
    const publishing = bus.publish(event).then(() => {
      isPublished = true;
    });
    await new Promise(setImmediate);
    expect(isPublished).toBe(false);
    storing.resolve();
    await publishing;
  });

  it('names the consumer that is away', async () => {
    const bus = createInProcessBus();
    const event = eventOf('a subject');
    const subscription = await bus.subscribe({ consumer: 'messages', types: [event.type], handle: async () => {} });
    bus.open();
    await subscription.close();
    await expect(bus.publish(event)).rejects.toMatchObject({ errors: [new Error('the consumer messages is away')] });
  });

  it('rejects waiting publishers when it is closed before it was open', async () => {
    const bus = createInProcessBus();
    const publishing = bus.publish(eventOf('a subject'));
    await bus.close();
    await expect(publishing).rejects.toThrow('closed');
  });

  it('rejects a publisher that stops waiting', async () => {
    const bus = createInProcessBus();
    const closing = new AbortController();
    const publishing = bus.publish(eventOf('a subject'), closing.signal);
    closing.abort();
    await expect(publishing).rejects.toThrow('abort');
    await expect(bus.publish(eventOf('a subject'), closing.signal)).rejects.toThrow('abort');
  });
});
