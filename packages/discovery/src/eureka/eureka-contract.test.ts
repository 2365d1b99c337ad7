import { describeEurekaClient } from '@daybook/testing/eureka-contract';
import { afterEach } from 'vitest';
import { closeClientsAndServers, startRegistry } from './testing-client.ts';

afterEach(closeClientsAndServers);

describeEurekaClient('a registry with a stream', () => startRegistry());

describeEurekaClient('a registry without a stream', async () => {
  const registry = await startRegistry();
  registry.hasStream = false;
  return registry;
});
