import { EVENT_EXCHANGE, eventConsumers, eventTypes, routingKeyOf } from '@daybook/contracts';
import { describe, expect, it } from 'vitest';
import { namesIn, topologyOf } from './topology.ts';

const consumers = new Map(Object.entries(eventConsumers));
const topology = topologyOf(consumers);

describe('the topology', () => {
  it('has every event on the exchange that the API names', () => {
    expect(namesIn().events).toBe(EVENT_EXCHANGE);
    expect(topology.exchanges).toContainEqual({ name: 'daybook.events', type: 'topic' });
  });

  it.each(Object.entries(eventConsumers))('brings %s what it acts on, and nothing else', (consumer, types) => {
    const { queueOf, events } = namesIn();
    const bound = topology.bindings.filter(({ queue }) => queue === queueOf(consumer));
    expect(bound).toEqual(
      types.map((type) => ({ queue: queueOf(consumer), exchange: events, routingKey: routingKeyOf(type) })),
    );
    for (const type of types) expect(eventTypes).toHaveProperty([type]);
  });

  it('keeps every queue on several nodes, and loses nothing on the way to the dead letters', () => {
    for (const { arguments: settings } of topology.queues) expect(settings).toHaveProperty('x-queue-type', 'quorum');
    for (const consumer of consumers.keys()) {
      const queue = topology.queues.find(({ name }) => name === namesIn().queueOf(consumer));
      expect(queue?.arguments).toMatchObject({
        'x-single-active-consumer': true,
        'x-delivery-limit': 20,
        'x-dead-letter-strategy': 'at-least-once',
        'x-overflow': 'reject-publish',
      });
    }
  });

  it('has a queue wherever dead letters are sent to', () => {
    for (const { name, arguments: settings } of topology.queues) {
      const key = settings['x-dead-letter-routing-key'];
      if (key === undefined) expect(name).toBe(namesIn().unreadable);
      else expect(topology.bindings.map(({ routingKey }) => routingKey)).toContain(key);
    }
  });
});
