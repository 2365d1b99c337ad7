/** Two of Netflix's servers are peers, as in deployments. The loss of one loses no instance. */
import { createEurekaClient, type EurekaClient } from '@daybook/discovery';
import { eurekaUrlOf } from '@daybook/testing';
import { BUILD_MILLIS, type EurekaServer, freePort, javaIsMissing, startEurekaServer } from '@daybook/testing/java';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { listedAt, request } from './eureka-calls.ts';

const FETCH_MILLIS = 200;
/**
 * Longer than the half second for which Netflix's servers batch updates for their peers.
 * A sooner renewal replaces the previous one in the batch, with a new time.
 * If all come sooner, no update is ever sent.
 */
const RENEWAL_MILLIS = 1_000;
const POLL_OPTIONS = { timeout: 30_000, interval: 50 };

/** Several starts, each with time for a busy machine. */
const STARTS_MILLIS = 180_000;

describe.skipIf(javaIsMissing('two servers of Netflix as peers'))(
  "two of Netflix's servers",
  {
    timeout: STARTS_MILLIS,
  },
  () => {
    const clients = new Set<EurekaClient>();
    let startFirst: () => Promise<EurekaServer>;
    let startSecond: () => Promise<EurekaServer>;
    let first: EurekaServer;
    let second: EurekaServer;

    beforeAll(async () => {
      const [one, other] = [await freePort(), await freePort()];
      // Different host names, because a server treats a peer of its own name as itself.
      const peers = `http://127.0.0.1:${one}/eureka/,http://localhost:${other}/eureka/`;
      const starting = (port: number, name: string) => () =>
        startEurekaServer(port, { EUREKA_PEERS: peers, EUREKA_ADVERTISED_HOST: name });
      startFirst = starting(one, '127.0.0.1');
      startSecond = starting(other, 'localhost');
      [first, second] = await Promise.all([startFirst(), startSecond()]);
    }, BUILD_MILLIS);
    afterEach(async () => {
      await Promise.all([...clients].map((client) => client.close()));
      clients.clear();
    });
    afterAll(() => Promise.all([first?.program.end(), second?.program.end()]));

    function createClient(serviceId = ''): EurekaClient {
      const client = createEurekaClient({
        servers: [first.url, second.url].map((url) => eurekaUrlOf(serviceId, url)),
        logger: pino({ level: 'silent' }),
        fetchIntervalMillis: FETCH_MILLIS,
        renewalIntervalMillis: RENEWAL_MILLIS,
        requestTimeoutMillis: 2_000,
      });
      clients.add(client);
      return client;
    }

    async function register(serviceId: string): Promise<EurekaClient> {
      const client = createClient(serviceId);
      const address = { hostName: '127.0.0.1', ipAddr: '127.0.0.1', port: 4001 };
      await client.register({ instanceId: `127.0.0.1:${serviceId}:4001`, serviceId, ...address });
      return client;
    }

    const listed = (names: readonly string[], status = 'UP') => names.map((name) => `127.0.0.1:${name}:4001 ${status}`);

    it('lose nothing when the one that all clients use is killed, and when it comes back with an empty list', async () => {
      const names = ['peer-a', 'peer-b', 'peer-c'];
      for (const name of names) await register(name);
      const reader = createClient();
      await reader.start();
      await expect.poll(() => listedAt(second.url), POLL_OPTIONS).toEqual(listed(names));
      const lost: string[] = [];
      const watching = setInterval(() => {
        lost.push(...names.filter((name) => reader.instancesOf(name).length !== 1));
      }, 5);
      await expect.poll(() => names.map((name) => reader.instancesOf(name).length), POLL_OPTIONS).toEqual([1, 1, 1]);
      lost.length = 0;

      await first.program.end('SIGKILL');
      const late = await register('peer-late');
      await expect.poll(() => reader.instancesOf('peer-late').length, POLL_OPTIONS).toBe(1);
      expect(await listedAt(second.url)).toEqual(listed([...names, 'peer-late']));

      first = await startFirst();
      await expect.poll(() => listedAt(first.url), POLL_OPTIONS).toEqual(listed([...names, 'peer-late']));
      await late.close();
      await expect.poll(() => listedAt(first.url), POLL_OPTIONS).toEqual(listed(names));
      await second.program.end('SIGKILL');
      const last = await register('peer-last');
      await expect.poll(() => reader.instancesOf('peer-last').length, POLL_OPTIONS).toBe(1);
      expect(await listedAt(first.url)).toEqual(listed([...names, 'peer-last']));
      await last.close();
      clearInterval(watching);
      expect(lost).toEqual([]);
      second = await startSecond();
      await expect.poll(() => listedAt(second.url), POLL_OPTIONS).toEqual(listed(names));
    });

    it('both have the status that an operator set, and keep it while the instance renews', async () => {
      await register('peer-overridden');
      const path = '/apps/PEER-OVERRIDDEN/127.0.0.1:peer-overridden:4001';
      await expect.poll(async () => (await request('GET', second.url + path)).status, POLL_OPTIONS).toBe(200);
      expect((await request('PUT', `${first.url}${path}/status?value=OUT_OF_SERVICE`)).status).toBe(200);
      await expect
        .poll(() => listedAt(second.url), POLL_OPTIONS)
        .toEqual(listed(['peer-overridden'], 'OUT_OF_SERVICE'));
      await first.program.end('SIGKILL');
      const renewedAt = async () => {
        const { body } = await request('GET', second.url + path);
        return (body as { instance: { leaseInfo: { lastRenewalTimestamp: number } } }).instance.leaseInfo
          .lastRenewalTimestamp;
      };
      const before = await renewedAt();
      await expect.poll(renewedAt, POLL_OPTIONS).toBeGreaterThan(before);
      expect(await listedAt(second.url)).toEqual(listed(['peer-overridden'], 'OUT_OF_SERVICE'));
    });
  },
);
