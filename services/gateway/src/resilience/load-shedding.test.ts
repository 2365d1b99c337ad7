import { describe, expect, test } from 'vitest';
import { startGateway, startServer } from '../testing.ts';

/** Starts a gateway that admits this many requests, before a service that holds all of them. */
async function startFull(maxLimit: number) {
  const release = Promise.withResolvers<void>();
  const service = await startServer(async (_request, response) => {
    await release.promise;
    response.end('done');
  });
  const gateway = await startGateway({
    patients: [service.url],
    concurrencyLimit: { initialLimit: maxLimit, minLimit: maxLimit, maxLimit },
  });
  const held = Array.from({ length: maxLimit }, () => fetch(`${gateway.url}/api/v1/patients`));
  await expect.poll(() => service.requests.length).toBe(maxLimit);
  return { ...gateway, service, held, release: release.resolve };
}

describe('a request that is too much', () => {
  test('is refused at once, with a time to come back, and does not get to the service', async () => {
    const { url, service, held, release } = await startFull(3);
    const response = await fetch(`${url}/api/v1/patients/1?q=Ana`, { headers: { 'x-request-id': 'mine' } });
    expect(response.status).toBe(503);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(response.headers.get('x-request-id')).toBe('mine');
    expect(await response.json()).toMatchObject({
      code: 'service-unavailable',
      detail: 'The patient service has more requests than it can serve now.',
      instance: '/api/v1/patients/1',
    });
    expect(service.requests).toHaveLength(3);
    release();
    expect(await Promise.all(held.map(async (one) => (await one).text()))).toEqual(['done', 'done', 'done']);
    expect((await fetch(`${url}/api/v1/patients`)).status).toBe(200);
  });

  test('leaves its connection usable, body and all', async () => {
    const { url, held, release } = await startFull(1);
    for (let count = 0; count < 3; count += 1) {
      const response = await fetch(`${url}/api/v1/patients`, { method: 'POST', body: 'a'.repeat(100_000) });
      expect(response.status).toBe(503);
      await response.arrayBuffer();
    }
    release();
    await Promise.all(held);
  });

  test('is counted as such', async () => {
    const { url, held, release } = await startFull(1);
    await fetch(`${url}/api/v1/patients`);
    const metrics = async () => await (await fetch(`${url}/metrics`)).text();
    await expect.poll(metrics).toContain('route="patients",outcome="shed",status="503"} 1');
    release();
    await Promise.all(held);
  });
});

test.each(['/health/live', '/health/ready', '/metrics', '/info'])(
  '%s gets a response, however much there is to do',
  async (path) => {
    const { url, held, release } = await startFull(1);
    expect((await fetch(`${url}${path}`)).status).toBe(200);
    release();
    await Promise.all(held);
  },
);

test('a client that goes away makes room', async () => {
  const service = await startServer(() => undefined);
  const { url } = await startGateway({
    patients: [service.url],
    concurrencyLimit: { initialLimit: 1, minLimit: 1, maxLimit: 1 },
  });
  for (const count of [1, 2]) {
    const controller = new AbortController();
    const get = () => fetch(`${url}/api/v1/patients`, { signal: controller.signal }).catch(() => undefined);
    // Repeats the request until the previous one has ended for the gateway, too.
    const pending: Promise<unknown>[] = [];
    await expect
      .poll(() => {
        pending.push(get());
        return service.requests.length;
      })
      .toBe(count);
    controller.abort();
    await Promise.all(pending);
  }
});
