import { StartFailure } from '@daybook/service';
import { describe, expect, test } from 'vitest';
import { plugins } from '../plugins.ts';
import { parseRoutes, ROUTES_FILE, readRoutes } from './definition.ts';

const parse = (text: string) => parseRoutes(text, plugins);
const route = { id: 'a', predicates: { path: ['/a'] }, service: 'a-service' };

function failureOf(routes: unknown): StartFailure {
  try {
    parse(typeof routes === 'string' ? routes : JSON.stringify({ routes }));
  } catch (error) {
    if (error instanceof StartFailure) return error;
    throw error;
  }
  throw new Error('expected the routes to be refused');
}

describe('the routes file', () => {
  test('leads every public resource to its service', async () => {
    const routes = await readRoutes(ROUTES_FILE, plugins);
    expect(Object.fromEntries(routes.map(({ id, service }) => [id, service]))).toEqual({
      identity: 'identity-service',
      accounts: 'identity-service',
      patients: 'patient-service',
      doctors: 'doctor-service',
      availability: 'doctor-service',
      clinic: 'doctor-service',
      slots: 'appointment-service',
      holds: 'appointment-service',
      appointments: 'appointment-service',
      'appointment-types': 'appointment-service',
      notifications: 'notification-service',
      'parked-events-of-merges': 'appointment-service',
      'parked-events-of-revalidation': 'appointment-service',
      'parked-events-of-messages': 'notification-service',
      'parked-events-of-care-relationships': 'patient-service',
      'parked-events-of-erasures': 'appointment-service',
      'parked-events-of-patients': 'identity-service',
      'parked-events-of-audit': 'identity-service',
    });
  });

  test.each(['/health/ready', '/a/**', '/identityx', '/{any}/keys'])(
    'is refused when it leads from %s to identity',
    (path) => {
      expect(failureOf([{ ...route, predicates: { path: [path] }, service: 'identity-service' }])).toMatchObject({
        exitCode: 78,
        message: expect.stringContaining('identity-service has no public path'),
      });
    },
  );

  test('leads to the API of identity by routes that lead nowhere else there', () => {
    const toIdentity = (path: string[]) => [{ ...route, predicates: { path }, service: 'identity-service' }];
    expect(parse(JSON.stringify({ routes: toIdentity(['/api/v1/me', '/api/v1/accounts/**']) }))).toHaveLength(1);
    expect(failureOf(toIdentity(['/identity/**', '/api/v1/me'])).message).toContain('has no public path');
  });

  test('is refused in one line that names every fault', () => {
    const { message, exitCode } = failureOf([
      { ...route, id: 'A', weight: 3 },
      { ...route, timeoutMillis: 0 },
    ]);
    expect(exitCode).toBe(78);
    expect(message).not.toContain('\n');
    expect(message).toContain('/routes/0/weight is not known here');
    expect(message).toContain('/routes/0/id must match pattern');
    expect(message).toContain('/routes/1/timeoutMillis must be >= 1');
  });

  test.each([
    ['relative', 'a/b'],
    ['with a wildcard in the middle', '/a/**/b'],
    ['with a query', '/a?b'],
    ['that is empty', ''],
  ])('is refused when it has a path %s', (_what, path) => {
    expect(failureOf([{ ...route, predicates: { path: [path] } }]).message).toContain(
      '/routes/0/predicates/path/0 must match pattern',
    );
  });

  test('is refused when two routes have the same id or path', () => {
    expect(failureOf([route, route]).message).toBe(
      'The routes are wrong: more than one route has the id a; more than one route has the path /a.',
    );
  });

  test.each(['/api/v1/admin/parked-events', '/api/v1/admin/parked-events/**', '/api/v1/admin/**'])(
    'is refused when its path %s would hide the list of parked events',
    (path) => {
      expect(failureOf([{ ...route, predicates: { path: [path] } }]).message).toBe(
        `The routes are wrong: the path ${path} would hide the list of parked events.`,
      );
    },
  );

  test.each([
    '/docs',
    '/docs/**',
    '/metrics',
    '/health/live',
    '/info',
    '/openapi.json',
    '/admin/**',
    '/admin/routes',
    '/{x}/live',
  ])('is refused when its path %s would hide what the gateway serves itself', (path) => {
    expect(failureOf([{ ...route, predicates: { path: [path] } }]).message).toMatch(/would hide the gateway’s own/);
  });

  test.each(['/docs2', '/admin/users/**', '/api/v1/admin/parked-events/x/**'])(
    'may have the path %s, which hides nothing',
    (path) => {
      expect(parse(JSON.stringify({ routes: [{ ...route, predicates: { path: [path] } }] }))).toHaveLength(1);
    },
  );

  test('may have several routes with one path where each takes its part', () => {
    const takes = (id: string, more: object) => ({ ...route, id, predicates: { path: ['/a'], ...more } });
    const of = (...routes: unknown[]) => JSON.stringify({ routes });
    const [first, second] = [takes('a', { method: ['GET'] }), takes('b', { method: ['POST'] })];
    expect(parse(of(first, second, takes('rest', {})))).toHaveLength(3);
    const share = { weight: { group: 'g', weight: 1 } };
    expect(parse(of(takes('a', share), takes('b', share)))).toHaveLength(2);
    const clash = 'The routes are wrong: more than one route has the path /a.';
    expect(failureOf([takes('rest', {}), first]).message).toBe(clash);
    expect(failureOf([first, takes('b', { method: ['GET'] })]).message).toBe(clash);
  });

  test('is refused for every predicate and filter that is wrong, each with its place', () => {
    const { message } = failureOf([
      { ...route, predicates: { path: ['/a'], method: ['get'], colour: 'red' }, filters: [{ stripPrefix: 0 }] },
      {
        ...route,
        id: 'b',
        predicates: { path: ['/b'], remoteAddress: ['10.0.0.0/99'] },
        filters: [{ evil: 1 }, { setRequestHeader: { 'Transfer-Encoding': 'chunked', 'x/y': '1' } }],
        timeouts: { totalMillis: 0, other: 1 },
      },
      { ...route, id: 'c', predicates: { path: ['/c'], remoteAddress: ['10.0.0.0/99'] }, filters: [{ evil: 1 }] },
    ]);
    for (const fault of [
      '/routes/0/predicates/method/0 must match pattern',
      '/routes/0/predicates/colour is not known here',
      '/routes/0/filters/0/stripPrefix must be >= 1',
      '/routes/1/timeouts/totalMillis must be >= 1',
      '/routes/1/timeouts/other is not known here',
      '/routes/2/predicates/remoteAddress/0 must be a valid network',
      '/routes/2/filters/0/evil is not known here',
    ])
      expect(message).toContain(fault);
  });

  test('is refused when a filter would set what frames a message', () => {
    const filters = [{ setRequestHeader: { 'Transfer-Encoding': 'chunked', 'x/y': '1' } }];
    expect(failureOf([{ ...route, filters }]).message).toBe(
      'The routes are wrong: /routes/0/filters/0/setRequestHeader/Transfer-Encoding is set by the gateway itself; ' +
        '/routes/0/filters/0/setRequestHeader/x~1y is not a header name.',
    );
  });

  test.each([[[]], [[{}]], [[{ stripPrefix: 1, setStatus: 202 }]], [[null]], [{}]])(
    'takes filters as a list of objects with one field each: %j',
    (filters) => {
      const text = JSON.stringify({ routes: [{ ...route, filters }] });
      if (Array.isArray(filters) && filters.length === 0) expect(parse(text)).toHaveLength(1);
      else expect(failureOf([{ ...route, filters }]).message).toContain('/routes/0/filters');
    },
  );

  test('knows no predicate by a name that every object has', () => {
    expect(failureOf([{ ...route, predicates: { path: ['/a'], constructor: 1 } }]).message).toContain(
      '/routes/0/predicates/constructor is not known here',
    );
  });

  test('is refused when it is not JSON', () => {
    expect(failureOf('{').message).toMatch(/^The routes are wrong: they are not JSON/);
  });

  test('is named when it is missing', async () => {
    await expect(readRoutes('/nowhere/routes.json', plugins)).rejects.toThrow(
      /^The routes cannot be read: ENOENT.*routes.json/,
    );
  });
});
