import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { REPLICATION_HEADER } from '../domain/replication.ts';
import { APP, document, ID, NOW, startRegistry } from '../testing.ts';
import { createPeer } from './peer.ts';
import { isOwnUrl } from './peers.ts';

const QUICK = { peerRetryMillis: 20 };

/** Returns a port without a listener. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const urlOf = (port: number) => `http://127.0.0.1:${port}/eureka`;

/** Starts the first of two registries that know each other. The second is not yet started. */
async function firstOfTwo() {
  const [port, other] = [await freePort(), await freePort()];
  const first = await startRegistry({ port, peerUrls: [urlOf(other)], ...QUICK });
  const startSecond = () => startRegistry({ port: other, peerUrls: [urlOf(port)], ...QUICK });
  return { first, startSecond };
}

async function two() {
  const { first, startSecond } = await firstOfTwo();
  return { first, second: await startSecond(), startSecond };
}

const withId = (instanceId: string) => ({ ...document, instanceId });

describe('two registries', () => {
  it.each([
    ['first', 'second'],
    ['second', 'first'],
  ] as const)('hold one list, whatever is sent to the %s', async (here, there) => {
    const registries = await two();
    const [one, other] = [registries[here], registries[there]];
    await one.register();
    await expect.poll(() => other.statusOf()).toBe('UP');
    await one.call('PUT', `apps/${APP}/${ID}/status?value=OUT_OF_SERVICE`);
    await expect.poll(() => other.statusOf()).toBe('OUT_OF_SERVICE');
    await one.call('DELETE', `apps/${APP}/${ID}/status`);
    await expect.poll(() => other.statusOf()).toBe('UP');
    await one.call('PUT', `apps/${APP}/${ID}/metadata?version=2`);
    const metadata = async () => (await other.call('GET', `instances/${ID}`)).json.instance.metadata;
    await expect.poll(metadata).toEqual({ zone: 'z1', version: '2' });
    await one.call('DELETE', `apps/${APP}/${ID}`);
    await expect.poll(() => other.statusOf()).toBeUndefined();
  });

  it('both know of a renewal', async () => {
    const { first, second } = await two();
    await first.register();
    await expect.poll(() => second.statusOf()).toBe('UP');
    second.time.now += 60_000;
    await first.call('PUT', `apps/${APP}/${ID}?status=UP&lastDirtyTimestamp=${NOW}`);
    const renewedAt = async () => (await second.call('GET', `instances/${ID}`)).json.instance.leaseInfo;
    await expect.poll(renewedAt).toMatchObject({ lastRenewalTimestamp: NOW + 60_000 });
  });

  it('that differ agree on the later change with the next heartbeat', async () => {
    const { first, second } = await two();
    const later = { ...document, lastDirtyTimestamp: String(NOW + 5), metadata: { version: '2' } };
    const alone = { [REPLICATION_HEADER]: 'true' };
    await first.register(document, `apps/${APP}`, alone);
    await second.register(later, `apps/${APP}`, alone);
    await first.call('PUT', `apps/${APP}/${ID}?lastDirtyTimestamp=${NOW}`);
    const metadata = async () => (await first.call('GET', `instances/${ID}`)).json.instance.metadata;
    await expect.poll(metadata).toEqual({ version: '2' });
  });

  it('an instance that one has lost is registered there with its next heartbeat at the other', async () => {
    const { first, second } = await two();
    await first.register();
    await expect.poll(() => second.statusOf()).toBe('UP');
    await second.call('DELETE', `apps/${APP}/${ID}`, { [REPLICATION_HEADER]: 'true' });
    expect(await first.statusOf()).toBe('UP');
    await first.call('PUT', `apps/${APP}/${ID}?lastDirtyTimestamp=${NOW}`);
    await expect.poll(() => second.statusOf()).toBe('UP');
  });
});

describe('a registry that was away', () => {
  it('has the whole list before its first response', async () => {
    const { first, startSecond } = await firstOfTwo();
    for (const id of ['a', 'b', 'c']) await first.register(withId(id));
    await first.call('PUT', `apps/${APP}/b/status?value=OUT_OF_SERVICE`);
    const second = await startSecond();
    const { applications } = (await second.call('GET', 'apps/')).json;
    expect(applications.apps__hashcode).toBe('OUT_OF_SERVICE_1_UP_2_');
  });

  it('receives everything that happened meanwhile, and nothing is lost', async () => {
    const { first, second, startSecond } = await two();
    for (const id of ['stays', 'leaves', 'rests']) await first.register(withId(id));
    await expect.poll(() => second.statusOf('rests')).toBe('UP');
    await second.app.close();
    await first.call('DELETE', `apps/${APP}/leaves`);
    await first.call('PUT', `apps/${APP}/rests/status?value=OUT_OF_SERVICE`);
    await first.register(withId('comes'));
    const again = await startSecond();
    await again.register(withId('late'));
    const statuses = (registry: typeof first) =>
      Promise.all(['stays', 'leaves', 'rests', 'comes', 'late'].map((id) => registry.statusOf(id)));
    const expected = ['UP', undefined, 'OUT_OF_SERVICE', 'UP', 'UP'];
    await expect.poll(() => statuses(again)).toEqual(expected);
    await expect.poll(() => statuses(first)).toEqual(expected);
  });

  it('starts without its peers when they are away', async () => {
    const registry = await startRegistry({ peerUrls: [urlOf(await freePort())] });
    expect((await registry.call('GET', 'apps/')).status).toBe(200);
  });

  it('leaves out what it cannot read in the list of a peer', async () => {
    const instance = [document, { instanceId: 'broken' }, 7];
    const body = JSON.stringify({ applications: { application: { name: APP, instance } } });
    const server = createServer((_request, response) => response.end(body)).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    const registry = await startRegistry({ peerUrls: [urlOf((server.address() as AddressInfo).port)] });
    expect((await registry.call('GET', 'apps/')).json.applications.apps__hashcode).toBe('UP_1_');
  });
});

describe('a peer', () => {
  /** Starts a peer that records its requests and responds as instructed. */
  async function startPeer(respond: (calls: number) => { status: number; body?: object }) {
    const batches: { action: string; id: string }[][] = [];
    const server = createServer(async (request, response) => {
      const text = Buffer.concat(await request.toArray()).toString();
      if (request.method === 'GET') {
        response.writeHead(404).end();
        return;
      }
      const { replicationList } = JSON.parse(text);
      batches.push(replicationList);
      const { status, body } = respond(batches.length);
      const responseList = replicationList.map(() => ({ statusCode: 200 }));
      response.writeHead(status).end(JSON.stringify(body ?? { responseList }));
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const registry = await startRegistry({ peerUrls: [urlOf((server.address() as AddressInfo).port)], ...QUICK });
    return { batches, registry, replicated: () => batches.flat().map(({ action, id }) => `${action} ${id}`) };
  }

  it('that is busy receives the changes again, in the same order', async () => {
    const { registry, batches, replicated } = await startPeer((calls) => ({ status: calls < 3 ? 503 : 200 }));
    await registry.register(withId('a'));
    await registry.register(withId('b'));
    await expect.poll(() => batches.length).toBe(3);
    expect(replicated().slice(-2)).toEqual(['Register a', 'Register b']);
    await registry.register(withId('c'));
    await expect.poll(() => replicated().at(-1)).toBe('Register c');
    expect(replicated().filter((what) => what === 'Register c')).toHaveLength(1);
  });

  it('that refuses one batch receives the next one', async () => {
    const { registry, replicated } = await startPeer((calls) => ({ status: calls === 1 ? 400 : 200 }));
    await registry.register(withId('a'));
    await expect.poll(replicated).toEqual(['Register a']);
    await registry.register(withId('b'));
    await expect.poll(replicated).toEqual(['Register a', 'Register b']);
  });

  it('that returns nonsense does not stop the registry', async () => {
    const { registry, replicated } = await startPeer(() => ({ status: 200, body: { responseList: 'none' } }));
    await registry.register(withId('a'));
    await registry.register(withId('b'));
    await expect.poll(() => replicated().at(-1)).toBe('Register b');
    expect(await registry.statusOf('a')).toBe('UP');
  });

  it('receives many changes in few calls', async () => {
    const { registry, batches, replicated } = await startPeer(() => ({ status: 200 }));
    await Promise.all(Array.from({ length: 60 }, (_, n) => registry.register(withId(`i${n}`))));
    await expect.poll(() => replicated().length).toBe(60);
    expect(batches.length).toBeLessThan(60);
  });

  it('receives which registration a cancellation means, even when the registry closes', async () => {
    const { registry, batches } = await startPeer(() => ({ status: 200 }));
    await registry.register();
    await registry.call('DELETE', `apps/${APP}/${ID}`);
    await registry.app.close();
    expect(batches.flat().at(-1)).toEqual({ action: 'Cancel', appName: APP, id: ID, lastDirtyTimestamp: NOW });
  });

  it('does not receive what came from a peer', async () => {
    const { registry, replicated } = await startPeer(() => ({ status: 200 }));
    await registry.register(withId('a'), `apps/${APP}`, { [REPLICATION_HEADER]: 'true' });
    await registry.register(withId('b'));
    await expect.poll(replicated).toEqual(['Register b']);
  });
});

describe('a change that a peer rejects', () => {
  /** Returns the log of a registry whose peer returns these outcomes, one after the other. */
  async function outcomesLogged(statusCodes: readonly number[]) {
    const logged: unknown[] = [];
    const replicated: number[] = [];
    const peer = createPeer({
      connection: {
        origin: 'http://peer:8761',
        async sendBatch(entries) {
          const statusCode = statusCodes[replicated.length] ?? 200;
          replicated.push(statusCode);
          return entries.map(() => ({ statusCode, newer: undefined }));
        },
        fetchAll: async () => [],
        close: async () => undefined,
      },
      logger: { info: () => undefined, warn: (fields: unknown) => logged.push(fields), error: () => undefined },
      entryOf: (change) => change,
      registerNewer: () => undefined,
    });
    for (const [index] of statusCodes.entries()) {
      peer.replicate({ action: 'Register', app: APP, id: ID });
      await expect.poll(() => replicated.length).toBeGreaterThan(index);
    }
    await peer.close();
    return logged;
  }

  it.each([400, 409, 503])('with %i is logged once with its instance, until the peer takes one', async (status) => {
    const about = { peer: 'http://peer:8761', status, action: 'Register', app: APP, instance: ID };
    expect(await outcomesLogged([status, status, 200, status])).toEqual([about, about]);
  });

  it.each([200, 404])('is not one with %i', async (status) => {
    expect(await outcomesLogged([status])).toEqual([]);
  });
});

it('the password in the address of a peer goes into a header', async () => {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const server = createServer(({ headers }, response) => {
    resolve(headers.authorization);
    response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await new Promise((listening) => server.once('listening', listening));
  const { port } = server.address() as AddressInfo;
  await startRegistry({ peerUrls: [`http://eureka:p%40ss@127.0.0.1:${port}/eureka`] });
  expect(await promise).toBe(`Basic ${Buffer.from('eureka:p@ss').toString('base64')}`);
});

describe("a registry's own address among its peers", () => {
  it('is known by its host and port', () => {
    expect(isOwnUrl('http://registry-1:8761/eureka', ['0.0.0.0', 'registry-1'], 8761)).toBe(true);
    expect(isOwnUrl('http://registry-2:8761/eureka', ['0.0.0.0', 'registry-1'], 8761)).toBe(false);
    expect(isOwnUrl('http://registry-1/eureka', ['registry-1'], 80)).toBe(true);
  });
});
