import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { plugins } from '../plugins.ts';
import { requestOf } from '../predicates/testing.ts';
import { createRouteCompiler } from './compiler.ts';
import type { Route } from './route.ts';
import { createRouteTable } from './table.ts';

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

  test('that is more specific goes first', () => {
    expect(routeOf('/api/v1/patients/me')).toBe('exact');
    expect(routeOf('/api/v1/patients/me/x')).toBe('patients');
    expect(routeOf('/api/v1/patients/old')).toBe('deep');
    expect(routeOf('/api/v1/patients/old/1')).toBe('deep');
  });
});

describe('a path with {name}', () => {
  const table = createRouteTable([
    route('below', '/a/**'),
    route('history', '/a/{id}/history'),
    route('any', '/a/{id}/{what}'),
    route('mine', '/a/me/history'),
    route('one', '/a/{id}'),
  ]);
  test.each([
    ['/a/1/history', 'history'],
    ['/a/1/history?x=/y', 'history'],
    ['/a/me/history', 'mine'],
    ['/a/1/x', 'any'],
    ['/a/1', 'one'],
    ['/a/1/', 'below'],
    ['/a/1/2/3', 'below'],
    ['/a', 'below'],
    ['/a/', 'below'],
  ])('goes between whole paths and /**: %s is %s', (url, id) => {
    expect(table.match(requestOf({ url }))?.id).toBe(id);
  });

  test('stands where it is matched in the order of the table', () => {
    expect(table.order.map(({ path }) => path)).toEqual([
      '/a/me/history',
      '/a/{id}/history',
      '/a/{id}/{what}',
      '/a/{id}',
      '/a/**',
    ]);
  });
});

describe('of routes with one path', () => {
  const when = (id: string, predicates: object, ...path: string[]): Route => ({
    id,
    predicates: { path, ...predicates },
    service: 'x',
  });
  const table = createRouteTable(
    createRouteCompiler({ plugins })([
      when('posts', { method: ['POST'] }, '/a', '/a/**'),
      when('beta', { header: { 'x-beta': '*' }, method: ['GET'] }, '/a'),
      when('rest', {}, '/a/**'),
      when('only-beta', { header: { 'x-beta': '*' } }, '/b/c/**', '/b/{x}/d'),
      when('b', {}, '/b/**'),
    ]),
  );
  const idOf = (method: string, url: string, headers = {}) => table.match(requestOf({ method, url, headers }))?.id;

  test('the first takes a request for which all its predicates hold', () => {
    expect(idOf('POST', '/a', { 'x-beta': '1' })).toBe('posts');
    expect(idOf('GET', '/a', { 'x-beta': '1' })).toBe('beta');
    expect(idOf('PUT', '/a', { 'x-beta': '1' })).toBe('rest');
    expect(idOf('POST', '/a/x')).toBe('posts');
    expect(idOf('GET', '/a/x')).toBe('rest');
  });

  test('a request that none takes goes to a less specific path', () => {
    expect(idOf('GET', '/b/c/d', { 'x-beta': '1' })).toBe('only-beta');
    expect(idOf('GET', '/b/c/d')).toBe('b');
    expect(idOf('GET', '/b/c')).toBe('b');
  });
});
