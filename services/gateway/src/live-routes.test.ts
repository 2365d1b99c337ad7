import { describe, expect, test } from 'vitest';
import type { Route } from './routes.ts';
import { createTestDiscovery, PATIENTS, startGateway, startServer } from './testing.ts';

const text = (...routes: Route[]) => JSON.stringify({ routes });

describe('new routes', () => {
  test('come into force under traffic without a request that fails', async () => {
    const old = await startServer((_request, response) => response.end('old'));
    const other = await startServer((_request, response) => response.end('new'));
    const discovery = createTestDiscovery();
    discovery.place('patient-service', [old.url]);
    discovery.place('new-service', [other.url]);
    const { url, routes } = await startGateway({ discovery });
    const ways = [text(PATIENTS), text({ ...PATIENTS, service: 'new-service' }), '{}'];
    const answers = new Set<string>();
    let asking = true;
    const client = async () => {
      while (asking) {
        const answer = await fetch(`${url}/api/v1/patients`);
        answers.add(`${answer.status} ${await answer.text()}`);
      }
    };
    const clients = Array.from({ length: 8 }, client);
    const results = new Set<string>();
    for (let turn = 0; turn < 100; turn += 1) {
      results.add(routes.replace(ways[turn % ways.length] ?? ''));
      await fetch(`${url}/health/live`);
    }
    asking = false;
    await Promise.all(clients);
    expect(results).toEqual(new Set(['same', 'replaced', 'refused']));
    expect(answers).toEqual(new Set(['200 old', '200 new']));
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
    const answer = fetch(`${url}/api/v1/patients`);
    await arrived.promise;
    routes.replace(text({ id: 'other', predicates: { path: ['/other'] }, service: 'other-service' }));
    expect((await fetch(`${url}/api/v1/patients`)).status).toBe(404);
    release.resolve();
    expect((await answer).headers.get('x-routes')).toBe('before');
    expect(await (await answer).text()).toBe('slow');
  });

  test('keep what a limit has counted, as long as it is the same limit', async () => {
    const upstream = await startServer((_request, response) => response.end());
    const limited = (burst: number, more: object = {}) => ({
      ...PATIENTS,
      ...more,
      filters: [{ rateLimit: { perSecond: 0.01, burst } }],
    });
    const { url, routes } = await startGateway({ patients: [upstream.url], routes: [limited(1)] });
    const ask = async () => (await fetch(`${url}/api/v1/patients`)).status;
    expect([await ask(), await ask()]).toEqual([200, 429]);
    expect(routes.replace(text(limited(1, { timeoutMillis: 5_000 })))).toBe('replaced');
    expect(await ask()).toBe(429);
    expect(routes.replace(text(limited(2)))).toBe('replaced');
    expect([await ask(), await ask(), await ask()]).toEqual([200, 200, 429]);
  });

  test('are described by the services that they lead to', async () => {
    const describing = (name: string) =>
      startServer((_request, response) => {
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ openapi: '3.1.0', paths: { [`/api/v1/${name}`]: { get: {} } } }));
      });
    const [patients, doctors] = [await describing('patients'), await describing('doctors')];
    const discovery = createTestDiscovery();
    discovery.place('patient-service', [patients.url]);
    discovery.place('doctor-service', [doctors.url]);
    const { url, routes } = await startGateway({ discovery });
    routes.replace(text({ id: 'doctors', predicates: { path: ['/api/v1/doctors'] }, service: 'doctor-service' }));
    const document = await (await fetch(`${url}/openapi.json`)).text();
    expect(document).toContain('/api/v1/doctors');
    expect(document).not.toContain('/api/v1/patients');
  });
});
