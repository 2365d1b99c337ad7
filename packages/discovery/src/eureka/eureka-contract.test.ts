import { describeEurekaClient } from '@daybook/testing/eureka-contract';
import { afterEach } from 'vitest';
import { closeClientsAndServers, startRegistry } from './testing-client.ts';

afterEach(closeClientsAndServers);

describeEurekaClient('a registry that tells of changes', () => startRegistry());

describeEurekaClient('a registry that is only asked', async () => {
  const registry = await startRegistry();
  registry.hasStream = false;
  return registry;
});
