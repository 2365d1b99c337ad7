import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { createRouteTable } from './route-table.ts';
import type { Route } from './routes.ts';

const route = (id: string, ...path: string[]): Route => ({ id, predicates: { path }, service: 'x' });

const table = createRouteTable([
  route('patients', '/api/v1/patients', '/api/v1/patients/**'),
  route('deep', '/api/v1/patients/old/**'),
  route('exact', '/api/v1/patients/me'),
  route('alone', '/alone'),
  route('below', '/below/**'),
]);

function routeOf(url: string): string | undefined {
  const request = new IncomingMessage(new Socket());
  request.url = url;
  return table.match(request)?.id;
}

describe('a route', () => {
  test.each([
    ['/api/v1/patients', 'patients'],
    ['/api/v1/patients?q=x', 'patients'],
    ['/api/v1/patients/', 'patients'],
    ['/api/v1/patients/1/2/3', 'patients'],
    ['/alone', 'alone'],
    ['/below', 'below'],
    ['/below/x?y=/z', 'below'],
  ])('matches %s as %s', (url, id) => {
    expect(routeOf(url)).toBe(id);
  });

  test.each([
    '/api/v1/patientsX',
    '/api/v1/patientsX/1',
    '/api/v1/patient',
    '/api/v1',
    '/API/v1/patients',
    '//api/v1/patients',
    '/alone/x',
    '/x?/alone',
    '/',
    '',
    '*',
  ])('matches whole path segments, not %s', (url) => {
    expect(routeOf(url)).toBeUndefined();
  });

  test('that says more about the path goes first', () => {
    expect(routeOf('/api/v1/patients/me')).toBe('exact');
    expect(routeOf('/api/v1/patients/me/x')).toBe('patients');
    expect(routeOf('/api/v1/patients/old')).toBe('deep');
    expect(routeOf('/api/v1/patients/old/1')).toBe('deep');
  });
});
