/** For tests: a bus with its own names on a shared broker, all removed in the end. */
import { randomUUID } from 'node:crypto';
import { removeFromBroker } from '@daybook/testing/brokers';
import { readableLog } from '../testing.ts';
import { createRabbitBus, type RabbitBus } from './bus.ts';
import { type Consumers, namesIn, topologyOf } from './topology.ts';

export interface TestNamespace extends AsyncDisposable {
  readonly names: ReturnType<typeof namesIn>;
  /** What the buses logged. */
  readonly lines: string[];
  /** Creates another bus, as of another process. `consumers` are those that it knows before any subscription. */
  bus(options?: { url?: string; consumers?: Consumers; service?: string; patienceMillis?: number }): RabbitBus;
}

export function testNamespace(url: string): TestNamespace {
  const namespace = `test-${randomUUID()}`;
  const names = namesIn(namespace);
  const { logger, lines } = readableLog();
  const consumers = new Map<string, readonly []>();
  const buses: RabbitBus[] = [];
  return {
    names,
    lines,
    bus({ url: other = url, consumers: known = new Map(), service, patienceMillis } = {}) {
      for (const consumer of known.keys()) consumers.set(consumer, []);
      const options = { url: other, name: 'test', logger, consumers: known, service, namespace, patienceMillis };
      const bus = createRabbitBus(options);
      buses.push(bus);
      return {
        ...bus,
        subscribe(subscription) {
          consumers.set(subscription.consumer, []);
          return bus.subscribe(subscription);
        },
      };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(buses.map((bus) => bus.close()));
      const { queues, exchanges } = topologyOf(consumers, names);
      await removeFromBroker(url, {
        queues: queues.map(({ name }) => name),
        exchanges: exchanges.map(({ name }) => name),
      });
    },
  };
}
