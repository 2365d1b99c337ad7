import { testBrokers } from '@daybook/testing/brokers';
import { openFaultProxyTo } from '@daybook/testing/fault-proxy';
import { describe } from 'vitest';
import { describeBusContract } from '../testing/bus-contract.ts';
import { testNamespace } from './testing.ts';

const brokers = await testBrokers();

describe.skipIf(brokers.length === 0)('the bus over RabbitMQ', () => {
  for (const { name, url } of brokers) {
    describeBusContract(`the bus over ${name}`, async () => {
      const namespace = testNamespace(url);
      const proxy = await openFaultProxyTo(url);
      const bus = namespace.bus({ url: proxy.through(url) });
      return {
        bus: {
          ...bus,
          async close() {
            await namespace[Symbol.asyncDispose]();
            await proxy.close();
          },
        },
        open: () => bus.untilUp(),
        cut: () => proxy.cut(),
      };
    });
  }
});
