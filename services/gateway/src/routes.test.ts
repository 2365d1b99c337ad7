import { StartFailure } from '@daybook/service';
import { describe, expect, test } from 'vitest';
import { parseRoutes, ROUTES_FILE, readRoutes } from './routes.ts';

const route = { id: 'a', predicates: { path: ['/a'] }, service: 'a-service' };

function failureOf(routes: unknown): StartFailure {
  try {
    parseRoutes(typeof routes === 'string' ? routes : JSON.stringify({ routes }));
  } catch (error) {
    if (error instanceof StartFailure) return error;
    throw error;
  }
  throw new Error('expected the routes to be refused');
}

describe('the routes file', () => {
  test('leads every public resource to its service', async () => {
    const routes = await readRoutes(ROUTES_FILE);
    expect(Object.fromEntries(routes.map(({ id, service }) => [id, service]))).toEqual({
      patients: 'patient-service',
      doctors: 'doctor-service',
      availability: 'doctor-service',
      slots: 'appointment-service',
      holds: 'appointment-service',
      appointments: 'appointment-service',
      'appointment-types': 'appointment-service',
      notifications: 'notification-service',
      'parked-events-of-rechecks': 'appointment-service',
      'parked-events-of-messages': 'notification-service',
    });
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

  test('is refused when it is not JSON', () => {
    expect(failureOf('{').message).toMatch(/^The routes are wrong: they are not JSON/);
  });

  test('is missed by name', async () => {
    await expect(readRoutes('/nowhere/routes.json')).rejects.toThrow(/^The routes cannot be read: ENOENT.*routes.json/);
  });
});
