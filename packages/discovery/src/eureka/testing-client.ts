/** For tests: a client with a stopped clock, and a registry for it. */

import { closeServers, createTestLogger, createTestTimers } from '../testing.ts';
import { createEurekaClient, type EurekaClient, type EurekaClientOptions } from './eureka-client.ts';
import type { LocalInstance } from './eureka-instance.ts';
import { type Document, TestRegistry } from './testing-registry.ts';

const clients = new Set<EurekaClient>();

/** Closes the clients first, so that they can still deregister. */
export async function closeClientsAndServers(): Promise<void> {
  await Promise.all([...clients].map((client) => client.close()));
  clients.clear();
  await closeServers();
}

export async function startRegistry(documents: readonly Document[] = [], port = 0): Promise<TestRegistry> {
  const registry = new TestRegistry();
  await registry.start(port);
  for (const document of documents) registry.documents.set(String(document.instanceId), document);
  return registry;
}

/** Creates a client. Its clock stands still until the test advances it. */
export function createTestClient(servers: readonly string[], options: Partial<EurekaClientOptions> = {}) {
  const log = createTestLogger();
  const timers = createTestTimers();
  const client = createEurekaClient({ servers, logger: log.logger, timers, requestTimeoutMillis: 2_000, ...options });
  clients.add(client);
  const urls = () =>
    client
      .instancesOf('patient-service')
      .map(({ url }) => url.replace('http://127.0.0.1:', ''))
      .sort();
  return { client, timers, urls, ...log };
}

export const local: LocalInstance = {
  instanceId: 'host:patient-service:1',
  serviceId: 'patient-service',
  hostName: '127.0.0.1',
  ipAddr: '127.0.0.1',
  port: 1,
};
