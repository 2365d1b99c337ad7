import { describe, expect, test } from 'vitest';
import { createTestDiscovery, PATIENTS, startGateway, startServer } from '../testing.ts';
import type { Route } from './route.ts';

const text = (...routes: Route[]) => JSON.stringify({ routes });

describe('new routes', () => {
  test('come into force under traffic without a request that fails', async () => {
    const old = await startServer((_request, response) => response.end('old'));
    const other = await startServer((_request, response) => response.end('new'));
    const discovery = createTestDiscovery();
    discovery.setInstances('patient-service', [old.url]);
    discovery.setInstances('new-service', [other.url]);
    const { url, routes } = await startGateway({ discovery });
    const ways = [text(PATIENTS), text({ ...PATIENTS, service: 'new-service' }), '{}'];
    const responses = new Set<string>();
    let isRunning = true;
    const client = async () => {
      while (isRunning) {
        const response = await fetch(`${url}/api/v1/patients`);
        responses.add(`${response.status} ${await response.text()}`);
      }
    };
    const clients = Array.from({ length: 8 }, client);
    const results = new Set<string>();
    for (let round = 0; round < 100; round += 1) {
      results.add(routes.replace(ways[round % ways.length] ?? ''));
      await fetch(`${url}/health/live`);
    }
    isRunning = false;
    await Promise.all(clients);
    expect(results).toEqual(new Set(['same', 'replaced', 'refused']));
    expect(responses).toEqual(new Set(['200 old', '200 new']));
  });

  test('let a request end by the route that it took', async () => {
    const arrived = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const slow = await startServer(async (_request, response) => {
      arrived.resolve();
      await release.promise;
      response.end('slow');
    });
    const before = { ...PATIENTS, filters: [{ setResponseHeader: { 'x-routes': 'before' } }] };
    const { url, routes } = await startGateway({ patients: [slow.url], routes: [before] });
    const response = fetch(`${url}/api/v1/patients`);
    await arrived.promise;
    routes.replace(text({ id: 'other', predicates: { path: ['/other'] }, service: 'other-service' }));
    expect((await fetch(`${url}/api/v1/patients`)).status).toBe(404);
    release.resolve();
    expect((await response).headers.get('x-routes')).toBe('before');
    expect(await (await response).text()).toBe('slow');
  });

  test('keep what a limit has counted, as long as it is the same limit', async () => {
    const upstream = await startServer((_request, response) => response.end());
    const limited = (burst: number, more: object = {}) => ({
      ...PATIENTS,
      ...more,
      filters: [{ rateLimit: { perSecond: 0.01, burst } }],
    });
    const { url, routes } = await startGateway({ patients: [upstream.url], routes: [limited(1)] });
    const fetchStatus = async () => (await fetch(`${url}/api/v1/patients`)).status;
    expect([await fetchStatus(), await fetchStatus()]).toEqual([200, 429]);
    expect(routes.replace(text(limited(1, { timeoutMillis: 5_000 })))).toBe('replaced');
    expect(await fetchStatus()).toBe(429);
    expect(routes.replace(text(limited(2)))).toBe('replaced');
    expect([await fetchStatus(), await fetchStatus(), await fetchStatus()]).toEqual([200, 200, 429]);
  });

  test('are described by the services that they lead to', async () => {
    const describing = (name: string) =>
      startServer((_request, response) => {
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ openapi: '3.1.0', paths: { [`/api/v1/${name}`]: { get: {} } } }));
      });
    const [patients, doctors] = [await describing('patients'), await describing('doctors')];
    const discovery = createTestDiscovery();
    discovery.setInstances('patient-service', [patients.url]);
    discovery.setInstances('doctor-service', [doctors.url]);
    const { url, routes } = await startGateway({ discovery });
    routes.replace(text({ id: 'doctors', predicates: { path: ['/api/v1/doctors'] }, service: 'doctor-service' }));
    const document = await (await fetch(`${url}/openapi.json`)).text();
    expect(document).toContain('/api/v1/doctors');
    expect(document).not.toContain('/api/v1/patients');
  });
});
