import { afterEach, expect, it } from 'vitest';
import { closeClientsAndServers, createTestClient, local, startRegistry } from './testing-client.ts';
import { documentAt } from './testing-registry.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const patience = { timeout: 5_000, interval: 1 };

afterEach(closeClientsAndServers);

it('a registry that is gone for an hour costs little, loses nothing and gets every instance back', async () => {
  const registry = await startRegistry([documentAt(7)]);
  const { client, timers, urls, count } = createTestClient([registry.url]);
  await client.start();
  await client.register(local);
  // Waits until three timers remain: the next fetch, the next renewal, and the stream's silence timeout.
  const idle = () => expect.poll(() => timers.waiting, patience).toBe(3);
  await idle();
  await expect.poll(urls, patience).toEqual(['1', '7']);
  const before = registry.requests.length;

  registry.intercept = (_request, response) => {
    response.writeHead(503).end();
    return true;
  };
  for (const stream of registry.streams) stream.end();
  while (timers.now() < HOUR) {
    await idle();
    timers.advanceToNext();
    expect(timers.waiting).toBeLessThanOrEqual(3);
  }
  await idle();
  expect(urls()).toEqual(['1', '7']);
  // The list, a renewal and the stream are each requested every 15 to 30 seconds, slightly more often at first.
  expect(registry.requests.length - before).toBeGreaterThan(3 * 120);
  expect(registry.requests.length - before).toBeLessThan(3 * 240 + 40);
  expect(count('registry unreachable; cached instances used')).toBe(1);
  expect(count('registration failed')).toBe(1);

  // The registry returns without instances.
  registry.documents.clear();
  registry.changes = [];
  registry.intercept = () => false;
  while (registry.registered.length < 2) {
    await idle();
    timers.advanceToNext();
  }
  await expect.poll(() => count('registry reached again'), patience).toBe(1);
  expect(urls()).toEqual(['1', '7']);
  const backAt = timers.now();
  while (timers.now() < backAt + 3 * MINUTE) {
    await idle();
    timers.advanceToNext();
  }
  await idle();
  expect(urls()).toEqual(['1']);
});

it('a registry that comes back gets at once the registration that it misses', async () => {
  const registry = await startRegistry();
  registry.hasStream = false;
  const { client, timers } = createTestClient([registry.url], { renewalIntervalMillis: HOUR });
  await client.start();
  await client.register(local);
  await registry.close();
  await expect(client.refresh()).rejects.toThrow();
  registry.documents.clear();
  await registry.start(registry.port);
  await client.refresh();
  await expect.poll(() => registry.registered.length, patience).toBe(2);
  expect(timers.now()).toBe(0);
});

it('clients that wait for a registry do not all come at the same moment', async () => {
  const registry = await startRegistry();
  registry.intercept = (_request, response) => {
    response.writeHead(503).end();
    return true;
  };
  const dues = new Set<number>();
  for (let index = 0; index < 10; index += 1) {
    const { client, timers } = createTestClient([registry.url]);
    await client.start();
    timers.advanceToNext();
    dues.add(timers.now());
    expect(timers.now()).toBeGreaterThanOrEqual(250);
    expect(timers.now()).toBeLessThanOrEqual(500);
  }
  expect(dues.size).toBeGreaterThan(5);
});

it('a list that shrinks while the registry was always there is believed at once', async () => {
  const registry = await startRegistry([documentAt(1), documentAt(2)]);
  const { client, urls } = createTestClient([registry.url]);
  await client.refresh();
  registry.documents.clear();
  await client.refresh();
  expect(urls()).toEqual([]);
});
