import { afterEach, describe, expect, it } from 'vitest';
import { createTestLogger, createTestTimers } from '../testing.ts';
import { createChangeStream } from './change-stream.ts';
import { closeClientsAndServers, createTestClient, local, startRegistry } from './testing-client.ts';
import { documentAt, type TestRegistry } from './testing-registry.ts';

const SECOND = 1_000;

afterEach(closeClientsAndServers);

const streams = (registry: TestRegistry) => registry.count('GET stream');
const fetches = (registry: TestRegistry) => registry.requests.filter((line) => line.startsWith('GET apps/')).length;
const patience = { timeout: 5_000, interval: 1 };

/** Starts a client that receives changes and has fetched the changes that it may have missed. */
async function startListening(registry: TestRegistry) {
  const test = createTestClient([registry.url]);
  await test.client.start();
  await expect.poll(() => registry.streams.size, patience).toBe(1);
  await expect.poll(() => fetches(registry), patience).toBe(2);
  await idle(test.timers);
  return test;
}

/** Waits until only the timers remain: the next fetch and the stream's silence timeout. */
const idle = (timers: { waiting: number }, waiting = 2) => expect.poll(() => timers.waiting, patience).toBe(waiting);

describe('a registry that streams changes', () => {
  it('is believed at once, without a request', async () => {
    const registry = await startRegistry([documentAt(1)]);
    const { urls } = await startListening(registry);
    registry.put(documentAt(2));
    await expect.poll(urls, patience).toEqual(['1', '2']);
    registry.put(documentAt(1, { status: 'DOWN' }));
    await expect.poll(urls, patience).toEqual(['2']);
    registry.remove(String(documentAt(2).instanceId));
    await expect.poll(urls, patience).toEqual([]);
    expect(fetches(registry)).toBe(2);
  });

  it('is polled less often, but polled', async () => {
    const registry = await startRegistry([documentAt(1)]);
    const { timers, urls } = await startListening(registry);
    for (const port of [3, 4]) {
      timers.advance(29 * SECOND);
      registry.put(documentAt(port));
      await expect.poll(urls, patience).toContain(String(port));
      await idle(timers);
    }
    expect(fetches(registry)).toBe(2);
    // The stream does not report this change.
    registry.documents.set('2', documentAt(2));
    registry.changes.push(documentAt(2, { actionType: 'ADDED' }));
    timers.advance(2 * SECOND);
    await expect.poll(urls, patience).toEqual(['1', '2', '3', '4']);
    expect(fetches(registry)).toBe(3);
  });

  it('is polled again, for a delta, when its stream has begun: something may have changed before', async () => {
    const registry = await startRegistry([documentAt(1)]);
    registry.intercept = (request) => {
      if (request.url === '/eureka/stream') registry.documents.set('2', documentAt(2));
      if (request.url === '/eureka/stream') registry.changes.push(documentAt(2, { actionType: 'ADDED' }));
      return false;
    };
    const { urls } = await startListening(registry);
    expect(urls()).toEqual(['1', '2']);
    expect(registry.requests).toEqual(['GET apps/', 'GET stream', 'GET apps/delta']);
  });

  it('is polled for the whole list when its count is not ours, and stays so for a moment', async () => {
    const registry = await startRegistry([documentAt(1)]);
    const { timers, urls } = await startListening(registry);
    registry.documents.set('2', documentAt(2));
    registry.put(documentAt(3));
    await expect.poll(urls, patience).toEqual(['1', '3']);
    expect(timers.waiting).toBe(3);
    timers.advance(SECOND);
    await expect.poll(urls, patience).toEqual(['1', '2', '3']);
    expect(registry.count('GET apps/')).toBe(2);
  });

  it('is not polled for the whole list when the next count is ours again', async () => {
    const registry = await startRegistry([documentAt(1)]);
    const { timers, urls } = await startListening(registry);
    registry.documents.set(String(documentAt(2).instanceId), documentAt(2));
    registry.put(documentAt(3));
    registry.put(documentAt(2));
    await expect.poll(urls, patience).toEqual(['1', '2', '3']);
    timers.advance(SECOND);
    await idle(timers);
    expect(fetches(registry)).toBe(2);
  });

  it('is polled for the whole list ever more rarely when its count is never ours', async () => {
    const registry = await startRegistry([documentAt(1)]);
    const { timers, urls } = await startListening(registry);
    const event = (port: number) => ({ action: 'ADDED', instance: documentAt(port), hash: 'UP_999_' });
    for (let step = 0; step < 60; step += 1) {
      registry.write(`event: change\ndata: ${JSON.stringify(event(100 + step))}\n\n`);
      await expect.poll(urls, patience).toContain(String(100 + step));
      timers.advance(500);
      await expect.poll(() => timers.waiting, patience).toBeGreaterThan(1);
    }
    expect(registry.count('GET apps/')).toBeLessThan(12);
  });

  it.each([
    ['what is not JSON', '{'],
    ['what is not an instance', '{"action":"ADDED","hash":"UP_1_"}'],
  ])('and then sends %s is polled for the whole list', async (_what, data) => {
    const registry = await startRegistry([documentAt(1)]);
    const { timers } = await startListening(registry);
    registry.write(`event: change\ndata: ${data}\n\n`);
    await idle(timers, 3);
    timers.advance(SECOND);
    await expect.poll(() => registry.count('GET apps/'), patience).toBe(2);
  });

  it('is polled for the whole list again when that failed, although a delta would agree', async () => {
    const registry = await startRegistry([documentAt(1)]);
    const { client, timers } = await startListening(registry);
    registry.write('event: change\ndata: ?\n\n');
    await idle(timers, 3);
    registry.intercept = (request, response) => {
      if (request.url === '/eureka/apps/') response.writeHead(503).end();
      return request.url === '/eureka/apps/';
    };
    timers.advance(SECOND);
    await expect.poll(() => registry.count('GET apps/'), patience).toBe(2);
    await idle(timers);
    registry.intercept = () => false;
    await client.refresh();
    expect(registry.requests.slice(-1)).toEqual(['GET apps/']);
  });

  it('while a list is on its way is not undone by that list', async () => {
    const registry = await startRegistry([documentAt(1)]);
    const { client, timers, urls } = await startListening(registry);
    const held: (() => void)[] = [];
    const old = { applications: { apps__hashcode: 'UP_1_', application: [{ name: 'P', instance: [documentAt(1)] }] } };
    registry.intercept = (request, response) => {
      if (request.url !== '/eureka/apps/') return false;
      response.writeHead(200, { 'content-type': 'application/json' });
      held.push(() => response.end(JSON.stringify(old)));
      return true;
    };
    registry.write('event: change\ndata: ?\n\n');
    await idle(timers, 3);
    timers.advance(SECOND);
    await expect.poll(() => held.length, patience).toBe(1);
    registry.put(documentAt(2));
    await expect.poll(urls, patience).toEqual(['1', '2']);
    held[0]?.();
    await client.refresh();
    expect(urls()).toEqual(['1', '2']);
  });
});

describe('a stream', () => {
  it('that sends nothing for thirty seconds is opened again', async () => {
    const registry = await startRegistry([documentAt(1)]);
    const { timers } = await startListening(registry);
    timers.advance(30 * SECOND);
    await expect.poll(() => registry.streams.size, patience).toBe(0);
    // The missed changes are fetched immediately.
    await expect.poll(() => fetches(registry), patience).toBe(3);
    await idle(timers);
    timers.advance(SECOND);
    await expect.poll(() => registry.streams.size, patience).toBe(1);
  });

  it('that sends little, if only comments, stays open', async () => {
    const registry = await startRegistry([documentAt(1)]);
    const { timers, urls } = await startListening(registry);
    for (let port = 2; port < 10; port += 1) {
      timers.advance(20 * SECOND);
      registry.write(': still here\n\n');
      registry.put(documentAt(port));
      await expect.poll(urls, patience).toContain(String(port));
      await idle(timers);
    }
    expect(streams(registry)).toBe(1);
  });

  it('that ends is opened again, and the list is polled at its usual pace until then', async () => {
    const registry = await startRegistry([documentAt(1)]);
    const { timers } = await startListening(registry);
    registry.intercept = (request, response) => {
      if (request.url === '/eureka/stream') response.writeHead(503).end();
      return request.url === '/eureka/stream';
    };
    for (const stream of registry.streams) stream.end();
    await expect.poll(() => fetches(registry), patience).toBe(3);
    await idle(timers);
    for (let half = 0; half < 4; half += 1) {
      timers.advance(15 * SECOND);
      await expect.poll(() => timers.waiting, patience).toBe(2);
    }
    await expect.poll(() => fetches(registry), patience).toBeGreaterThanOrEqual(5);
    registry.intercept = () => false;
    timers.advance(30 * SECOND);
    await expect.poll(() => registry.streams.size, patience).toBe(1);
  });

  it('with an event that is too long is opened again, and nothing is lost', async () => {
    const registry = await startRegistry([documentAt(1)]);
    const { timers, urls } = await startListening(registry);
    registry.write(`data: ${'x'.repeat(300 * 1024)}`);
    await expect.poll(() => registry.streams.size, patience).toBe(0);
    expect(urls()).toEqual(['1']);
    await idle(timers);
    timers.advance(SECOND);
    await expect.poll(() => registry.streams.size, patience).toBe(1);
  });

  it('that ends again and again is opened ever more rarely', async () => {
    const timers = createTestTimers();
    const opened: number[] = [];
    let lost = 0;
    async function* helloOnly() {
      yield new TextEncoder().encode('event: hello\ndata: {}\n\n');
    }
    const stream = createChangeStream({
      // Without a socket, so that nothing is pending between two steps of the clock.
      connection: {
        async openStream() {
          opened.push(timers.now());
          return helloOnly();
        },
      },
      logger: createTestLogger().logger,
      timers,
      onLive: () => undefined,
      onChange: () => undefined,
      onMalformed: () => undefined,
      onLost: () => {
        lost += 1;
      },
    });
    stream.follow('server', false);
    for (let step = 0; step < 20; step += 1) {
      await expect.poll(() => lost, patience).toBe(step + 1);
      timers.advanceToNext();
    }
    const waits = opened.slice(1).map((at, index) => at - (opened[index] ?? 0));
    expect(Math.max(...waits.slice(0, 2))).toBeLessThanOrEqual(SECOND);
    expect(Math.min(...waits.slice(-10))).toBeGreaterThanOrEqual(15 * SECOND);
    expect(Math.max(...waits)).toBeLessThanOrEqual(30 * SECOND);
    stream.close();
    expect(timers.waiting).toBe(0);
  });

  it('follows the server that is polled', async () => {
    const first = await startRegistry([documentAt(1)]);
    const second = await startRegistry([documentAt(1)]);
    const { client, timers, urls } = createTestClient([first.url, second.url]);
    await client.start();
    await expect.poll(() => first.streams.size, patience).toBe(1);
    await idle(timers);
    first.intercept = (_request, response) => {
      response.writeHead(503).end();
      return true;
    };
    await client.refresh();
    await expect.poll(() => second.streams.size, patience).toBe(1);
    await expect.poll(() => first.streams.size, patience).toBe(0);
    second.put(documentAt(2));
    await expect.poll(urls, patience).toEqual(['1', '2']);
  });

  it('is closed with the client', async () => {
    const registry = await startRegistry([documentAt(1)]);
    const { client, timers } = await startListening(registry);
    await client.close();
    await expect.poll(() => registry.streams.size, patience).toBe(0);
    expect(timers.waiting).toBe(0);
  });

  it('that ended because the registry was restarted takes no instance out of use that is still to register', async () => {
    const registry = await startRegistry([documentAt(1), documentAt(2)]);
    const { timers, urls, count } = await startListening(registry);
    registry.documents.clear();
    registry.changes = [];
    for (const stream of registry.streams) stream.end();
    await expect.poll(() => count('change stream lost'), patience).toBe(1);
    await expect.poll(() => registry.count('GET apps/'), patience).toBe(2);
    await idle(timers);
    expect(urls()).toEqual(['1', '2']);
    for (let half = 0; half < 7; half += 1) {
      timers.advance(15 * SECOND);
      await idle(timers);
    }
    await expect.poll(urls, patience).toEqual([]);
  });

  it('that is reopened makes the instance check its registration', async () => {
    const registry = await startRegistry();
    const { client, timers, count } = createTestClient([registry.url]);
    await client.start();
    await client.register(local);
    await idle(timers, 3);
    // The registry was restarted within a second.
    registry.documents.clear();
    registry.changes = [];
    for (const stream of registry.streams) stream.end();
    await expect.poll(() => count('change stream lost'), patience).toBe(1);
    await idle(timers, 3);
    timers.advance(SECOND);
    await expect.poll(() => registry.registered.length, patience).toBe(2);
  });
});

describe('a registry that does not stream changes', () => {
  const responses: readonly [string, number, string, string][] = [
    ['404', 404, 'application/json', '{}'],
    ['405', 405, 'text/plain', 'no'],
    ['406', 406, 'text/event-stream', ''],
    ['401', 401, 'text/plain', ''],
    ['a page', 200, 'text/html', '<html>'],
    ['a list', 200, 'application/json', '{"applications":{}}'],
  ];

  it.each(responses)(
    'but returns %s is polled for its list as before, and rarely for a stream',
    async (_what, status, type, body) => {
      const registry = await startRegistry([documentAt(1)]);
      registry.intercept = (request, response) => {
        if (request.url === '/eureka/stream') response.writeHead(status, { 'content-type': type }).end(body);
        return request.url === '/eureka/stream';
      };
      const { client, timers, count } = createTestClient([registry.url]);
      await client.start();
      await expect.poll(() => count('change stream not supported'), patience).toBe(1);
      for (let half = 1; half < 20; half += 1) {
        await idle(timers);
        timers.advance(30 * SECOND);
        await expect.poll(() => fetches(registry), patience).toBe(half + 1);
      }
      expect(streams(registry)).toBe(1);
      await idle(timers);
      timers.advance(30 * SECOND);
      await expect.poll(() => streams(registry), patience).toBe(2);
    },
  );

  it('gets another request for a stream when it was away and is back', async () => {
    const registry = await startRegistry([documentAt(1)]);
    registry.hasStream = false;
    const { client, timers } = createTestClient([registry.url]);
    await client.start();
    await idle(timers);
    await registry.close();
    await expect(client.refresh()).rejects.toThrow();
    await registry.start(registry.port);
    registry.hasStream = true;
    await client.refresh();
    await expect.poll(() => registry.streams.size, patience).toBe(1);
  });
});
