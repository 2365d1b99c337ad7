import { describe, expect, test } from 'vitest';
import { startGateway, startServer } from '../testing.ts';

const connectionsOf = (server: Awaited<ReturnType<typeof startServer>>['server']) => {
  const counted = Promise.withResolvers<number>();
  server.getConnections((error, count) => (error ? counted.reject(error) : counted.resolve(count)));
  return counted.promise;
};

describe('connections to an instance', () => {
  test('are kept and used again', async () => {
    const upstream = await startServer((_request, response) => response.end());
    const { url } = await startGateway({ patients: [upstream.url] });
    for (let count = 0; count < 5; count += 1) await (await fetch(`${url}/api/v1/patients`)).arrayBuffer();
    expect(await connectionsOf(upstream.server)).toBe(1);
  });

  test('are bounded, and requests beyond them wait', async () => {
    const release = Promise.withResolvers<void>();
    const upstream = await startServer(async (_request, response) => {
      await release.promise;
      response.end();
    });
    const { url } = await startGateway({ patients: [upstream.url], upstream: { connections: 2 } });
    const responses = Array.from({ length: 6 }, () => fetch(`${url}/api/v1/patients`));
    await expect.poll(() => upstream.requests.length).toBe(2);
    expect(await connectionsOf(upstream.server)).toBe(2);
    release.resolve();
    expect((await Promise.all(responses)).map(({ status }) => status)).toEqual(Array.from({ length: 6 }, () => 200));
  });

  test('are closed when the instance has left', async () => {
    const [gone, stays] = [
      await startServer((_request, response) => response.end()),
      await startServer((_request, response) => response.end()),
    ];
    const upstream = { sweepIntervalMillis: 10 };
    const { url, discovery } = await startGateway({ patients: [gone.url], upstream });
    await (await fetch(`${url}/api/v1/patients`)).arrayBuffer();
    discovery.setInstances('patient-service', [stays.url]);
    await (await fetch(`${url}/api/v1/patients`)).arrayBuffer();
    await expect.poll(() => connectionsOf(gone.server)).toBe(0);
    expect(await connectionsOf(stays.server)).toBe(1);
  });

  test('outlive the gateway’s closing for the requests that are under way', async () => {
    const arrived = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const upstream = await startServer(async (_request, response) => {
      arrived.resolve();
      await release.promise;
      response.end('whole');
    });
    const { app, url } = await startGateway({ patients: [upstream.url] });
    const request = fetch(`${url}/api/v1/patients`);
    await arrived.promise;
    const closed = app.close();
    release.resolve();
    const response = await request;
    expect([response.headers.get('connection'), await response.text()]).toEqual(['close', 'whole']);
    await closed;
  });
});
