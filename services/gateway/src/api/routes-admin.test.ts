import { createLogger, createServiceApp } from '@daybook/service';
import { ADMINISTRATOR } from '@daybook/service/testing';
import { describe, expect, test } from 'vitest';
import { plugins } from '../plugins.ts';
import { createRouteStore } from '../routes/route-store.ts';
import { PATIENTS, startGateway } from '../testing.ts';
import { addRoutesAdmin } from './routes-admin.ts';

const metricOf = async (url: string, name: string) =>
  (await (await fetch(`${url}/metrics`)).text()).split('\n').find((line) => line.startsWith(`${name} `));

describe('/admin/routes', () => {
  test('shows the routes in the order in which they match, since when, and of which version', async () => {
    const routes = [
      { ...PATIENTS, predicates: { path: ['/api/v1/patients/**'], method: ['GET'] }, timeouts: { totalMillis: 5_000 } },
      { ...PATIENTS, id: 'old', predicates: { path: ['/api/v1/patients/{id}/old', '/api/v1/patients'] } },
    ];
    const { url } = await startGateway({ routes });
    const response = await fetch(`${url}/admin/routes`);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.json()).toEqual({
      version: expect.stringMatching(/^[0-9a-f]{16}$/),
      since: expect.stringMatching(/^\d{4}-.*Z$/),
      routes: [
        { path: '/api/v1/patients', id: 'old', service: 'patient-service', predicates: {}, filters: [] },
        { path: '/api/v1/patients/{id}/old', id: 'old', service: 'patient-service', predicates: {}, filters: [] },
        {
          path: '/api/v1/patients/**',
          id: 'patients',
          service: 'patient-service',
          predicates: { method: ['GET'] },
          filters: [],
          timeouts: { totalMillis: 5_000 },
        },
      ],
    });
  });

  test('hides values that may be secrets', async () => {
    const route = {
      ...PATIENTS,
      predicates: { ...PATIENTS.predicates, header: { 'x-key': 's3cret' } },
      filters: [{ setRequestHeader: { 'x-api-key': 's3cret' } }, { addRequestParameter: { key: 's3cret' } }],
    };
    const { url } = await startGateway({ routes: [route] });
    const text = await (await fetch(`${url}/admin/routes`)).text();
    expect(text).not.toContain('s3cret');
    expect(JSON.parse(text).routes[0]).toMatchObject({
      predicates: { header: { 'x-key': '***' } },
      filters: [{ setRequestHeader: { 'x-api-key': '***' } }, { addRequestParameter: { key: '***' } }],
    });
  });

  test('shows why the file is not in force, and so does a metric', async () => {
    const { url, routes } = await startGateway();
    expect(await metricOf(url, 'gateway_routes_failed')).toBe('gateway_routes_failed 0');
    routes.replace('{"routes":[]}');
    expect(await (await fetch(`${url}/admin/routes`)).json()).toMatchObject({
      failure: { at: expect.any(String), reason: expect.stringContaining('/routes must NOT have fewer than 1 items') },
      routes: [{ id: 'patients' }, { id: 'patients' }],
    });
    expect(await metricOf(url, 'gateway_routes_failed')).toBe('gateway_routes_failed 1');
    expect(await metricOf(url, 'gateway_routes_loaded_timestamp_seconds')).toMatch(/ \d+/);
  });

  test.each(['POST', 'PUT', 'PATCH', 'DELETE'])('takes no %s', async (method) => {
    const { url } = await startGateway();
    expect((await fetch(`${url}/admin/routes`, { method })).status).toBe(405);
  });

  test.each(['patient', 'doctor', 'front-desk', 'service'] as const)('is not for the role %s', async (role) => {
    const app = await createServiceApp({ name: 'x', logger: createLogger({ level: 'silent' }) });
    app.addHook('preHandler', async (request) => {
      request.caller = { ...ADMINISTRATOR, role };
    });
    addRoutesAdmin(app, undefined, createRouteStore(JSON.stringify({ routes: [PATIENTS] }), { plugins }));
    expect((await app.inject('/admin/routes')).statusCode).toBe(403);
    await app.close();
  });
});
