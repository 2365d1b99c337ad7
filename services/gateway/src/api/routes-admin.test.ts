import { ROLES } from '@daybook/contracts';
import { describe, expect, test } from 'vitest';
import { headersOf, PATIENTS, startGateway, startKeySetServer, type TestGatewayOptions } from '../testing.ts';

const metricOf = async (url: string, name: string) =>
  (await (await fetch(`${url}/metrics`)).text()).split('\n').find((line) => line.startsWith(`${name} `));

/** Starts a gateway that accepts callers, and returns how an administrator reads its routes. */
async function startWithCallers(options: TestGatewayOptions = {}) {
  const identity = await startKeySetServer();
  const gateway = await startGateway({ identity: [identity.url], ...options });
  const headers = await headersOf('administrator');
  return { ...gateway, readRoutes: () => fetch(`${gateway.url}/admin/routes`, { headers }) };
}

describe('/admin/routes', () => {
  test('shows the routes in the order in which they match, since when, and of which version', async () => {
    const routes = [
      { ...PATIENTS, predicates: { path: ['/api/v1/patients/**'], method: ['GET'] }, timeouts: { totalMillis: 5_000 } },
      { ...PATIENTS, id: 'old', predicates: { path: ['/api/v1/patients/{id}/old', '/api/v1/patients'] } },
    ];
    const { readRoutes } = await startWithCallers({ routes });
    const response = await readRoutes();
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
    const { readRoutes } = await startWithCallers({ routes: [route] });
    const text = await (await readRoutes()).text();
    expect(text).not.toContain('s3cret');
    expect(JSON.parse(text).routes[0]).toMatchObject({
      predicates: { header: { 'x-key': '***' } },
      filters: [{ setRequestHeader: { 'x-api-key': '***' } }, { addRequestParameter: { key: '***' } }],
    });
  });

  test('shows why the file is not in force, and so does a metric', async () => {
    const { url, routes, readRoutes } = await startWithCallers();
    expect(await metricOf(url, 'gateway_routes_failed')).toBe('gateway_routes_failed 0');
    routes.replace('{"routes":[]}');
    expect(await (await readRoutes()).json()).toMatchObject({
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

  test.each(ROLES.filter((role) => role !== 'administrator'))('is not for the role %s', async (role) => {
    const { url } = await startWithCallers();
    expect((await fetch(`${url}/admin/routes`, { headers: await headersOf(role) })).status).toBe(403);
  });

  test('is not for callers without sign-in', async () => {
    const { url } = await startWithCallers();
    const response = await fetch(`${url}/admin/routes`);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toContain('issuer="https://daybook.example/identity"');
  });
});
