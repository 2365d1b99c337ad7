import { afterEach, describe, expect, it } from 'vitest';
import { closeClientsAndServers, createTestClient, startRegistry } from './testing-client.ts';
import { documentAt, type TestRegistry } from './testing-registry.ts';

const MINUTE = 60_000;

afterEach(closeClientsAndServers);

const wholeLists = (registry: TestRegistry) => registry.count('GET apps/');
const deltas = (registry: TestRegistry) => registry.count('GET apps/delta');

describe('after the first list', () => {
  it('only changes are requested', async () => {
    const registry = await startRegistry([documentAt(1), documentAt(2)]);
    const { client, urls } = createTestClient([registry.url]);
    await client.refresh();
    registry.put(documentAt(3));
    registry.remove(String(documentAt(1).instanceId));
    await client.refresh();
    expect(urls()).toEqual(['2', '3']);
    registry.put(documentAt(3, { status: 'DOWN' }));
    await client.refresh();
    expect(urls()).toEqual(['2']);
    expect(registry.requests).toEqual(['GET apps/', 'GET apps/delta', 'GET apps/delta']);
  });

  it('the whole list is fetched when the counts disagree, and changes are requested again after that', async () => {
    const registry = await startRegistry([documentAt(1)]);
    const { client, urls } = createTestClient([registry.url]);
    await client.refresh();
    registry.put(documentAt(2));
    registry.changes = [];
    await client.refresh();
    expect(urls()).toEqual(['1', '2']);
    expect(wholeLists(registry)).toBe(2);
    await client.refresh();
    expect(wholeLists(registry)).toBe(2);
  });

  it('the whole list is fetched again, and not believed before, when that fails after the counts disagreed', async () => {
    const registry = await startRegistry([documentAt(1)]);
    const { client, urls } = createTestClient([registry.url]);
    await client.refresh();
    registry.put(documentAt(2));
    registry.changes = [];
    registry.intercept = (request, response) => {
      if (request.url !== '/eureka/apps/') return false;
      response.writeHead(503).end();
      return true;
    };
    await expect(client.refresh()).rejects.toThrow('status 503');
    expect(urls()).toEqual(['1']);
    registry.intercept = () => false;
    await client.refresh();
    expect(urls()).toEqual(['1', '2']);
  });

  it('the whole list is fetched every ten minutes anyway', async () => {
    const registry = await startRegistry([documentAt(1)]);
    const { client, timers, urls } = createTestClient([registry.url]);
    await client.refresh();
    // The same number of each status but different instances, which a count cannot detect.
    registry.documents.clear();
    registry.documents.set('other', documentAt(2));
    for (let minute = 1; minute < 10; minute += 1) {
      timers.advance(MINUTE);
      await client.refresh();
    }
    expect(wholeLists(registry)).toBe(1);
    timers.advance(MINUTE);
    await client.refresh();
    expect(wholeLists(registry)).toBe(2);
    expect(urls()).toEqual(['2']);
  });

  it('the whole list is fetched after a silence that is longer than a delta reaches', async () => {
    const registry = await startRegistry([documentAt(1)]);
    const { client, timers } = createTestClient([registry.url]);
    await client.refresh();
    timers.advance(2 * MINUTE);
    await client.refresh();
    expect(deltas(registry)).toBe(0);
    expect(wholeLists(registry)).toBe(2);
  });

  it('the changes of another server are not laid over the list of the first', async () => {
    const first = await startRegistry([documentAt(1)]);
    const second = await startRegistry([documentAt(2)]);
    const { client, timers, urls } = createTestClient([first.url, second.url]);
    await client.refresh();
    await first.close();
    await client.refresh();
    expect(second.requests).toEqual(['GET apps/delta', 'GET apps/']);
    // Instances of the first server only stay in use for as long as they need to register with the second.
    expect(urls()).toEqual(['1', '2']);
    timers.advance(1.5 * MINUTE);
    await client.refresh();
    expect(urls()).toEqual(['2']);
  });
});

describe('a registry without deltas', () => {
  it.each([403, 404, 406])(
    'that returns %i is polled for the whole list, and for ten minutes for nothing else',
    async (status) => {
      const registry = await startRegistry([documentAt(1)]);
      registry.intercept = (request, response) => {
        if (request.url !== '/eureka/apps/delta') return false;
        response.writeHead(status).end('no');
        return true;
      };
      const { client, timers, urls } = createTestClient([registry.url]);
      for (let minute = 0; minute < 10; minute += 1) {
        registry.documents.set(`${minute}`, documentAt(100 + minute));
        await client.refresh();
        timers.advance(MINUTE);
      }
      expect(urls()).toHaveLength(11);
      expect(deltas(registry)).toBe(1);
      timers.advance(MINUTE);
      await client.refresh();
      await client.refresh();
      expect(deltas(registry)).toBe(2);
    },
  );

  it.each([
    ['nothing', ''],
    ['no JSON', '<applications/>'],
    ['half of it', '{"applications":{"apps__hashcode":"UP_1_"'],
    ['a list', '[]'],
    ['no count', '{"applications":{"application":[]}}'],
    ['a depth without end', `{"applications":${'['.repeat(1e6)}`],
    ['a size without end', `{"applications":{"apps__hashcode":"${'x'.repeat(17 * 1024 * 1024)}"}}`],
  ])('that returns %s gives the whole list instead', async (_what, body) => {
    const registry = await startRegistry([documentAt(1)]);
    const { client, urls } = createTestClient([registry.url]);
    await client.refresh();
    registry.documents.set('2', documentAt(2));
    registry.intercept = (request, response) => {
      if (request.url === '/eureka/apps/delta')
        response.writeHead(200, { 'content-type': 'application/json' }).end(body);
      return request.url === '/eureka/apps/delta';
    };
    await client.refresh();
    expect(urls()).toEqual(['1', '2']);
  });
});

describe('an instance that cannot be read', () => {
  const unreadable = [
    ['with a host that cannot be dialled', documentAt(9, { hostName: 'host/path' })],
    ['without a name', { app: 'PATIENT-SERVICE', status: 'UP' }],
    ['with an unknown status', documentAt(9, { status: 'SLEEPING' })],
  ] as const;

  it.each(unreadable)('%s does not make every delta end in the whole list', async (_what, document) => {
    const registry = await startRegistry([documentAt(1)]);
    registry.documents.set('unreadable', document);
    const { client, urls } = createTestClient([registry.url]);
    await client.refresh();
    for (let port = 100; port < 150; port += 1) {
      registry.put(documentAt(port));
      await client.refresh();
    }
    expect(urls()).toHaveLength(51);
    expect(wholeLists(registry)).toBe(1);
  });

  it.each(unreadable)('%s costs at most one more list when it comes later', async (_what, document) => {
    const registry = await startRegistry([documentAt(1)]);
    const { client, urls } = createTestClient([registry.url]);
    await client.refresh();
    registry.put(document);
    for (let port = 100; port < 120; port += 1) {
      registry.put(documentAt(port));
      await client.refresh();
    }
    expect(urls()).toHaveLength(21);
    expect(wholeLists(registry)).toBeLessThanOrEqual(2);
  });

  it('is logged once, however often the list is fetched', async () => {
    const registry = await startRegistry([documentAt(1), documentAt(9, { hostName: 'host/path' })]);
    registry.intercept = (request, response) => {
      if (request.url === '/eureka/apps/delta') response.writeHead(404).end();
      return request.url === '/eureka/apps/delta';
    };
    const { client, count } = createTestClient([registry.url]);
    for (let time = 0; time < 5; time += 1) await client.refresh();
    expect(count('malformed instances skipped')).toBe(1);
  });
});

describe('the whole list', () => {
  it.each([
    ['that is not JSON', '<html>'],
    ['that is too large', `{"applications":{"application":["${'x'.repeat(17 * 1024 * 1024)}"]}}`],
    ['that is too deep', '['.repeat(1e6)],
    ['that is something else', '{"error":"secret"}'],
  ])('%s leaves what was known, and the next server gets the request', async (_what, body) => {
    const registry = await startRegistry([documentAt(1)]);
    const { client, timers, urls, lines } = createTestClient([registry.url]);
    await client.refresh();
    timers.advance(10 * MINUTE);
    registry.intercept = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(body);
      return true;
    };
    await expect(client.refresh()).rejects.toThrow();
    expect(urls()).toEqual(['1']);
    expect(lines.join()).not.toContain('secret');
    const other = await startRegistry([documentAt(2)]);
    const second = createTestClient([registry.url, other.url]);
    await second.client.refresh();
    expect(second.urls()).toEqual(['2']);
  });
});
