import { expect, test } from 'vitest';
import { compilePathBuilder, compileTemplate } from './path-template.ts';

const read = (template: string, path: string) => {
  const parts = compileTemplate(template)(path);
  return parts && { ...Object.fromEntries(parts.params), rest: parts.rest };
};

test.each([
  ['/a/{id}', '/a/1', { id: '1', rest: '' }],
  ['/{x}/{y}', '/1/2', { x: '1', y: '2', rest: '' }],
  ['/a/{id}/**', '/a/1/b/c', { id: '1', rest: '/b/c' }],
  ['/a/{id}/**', '/a/1', { id: '1', rest: '' }],
  ['/a/**', '/a/', { rest: '/' }],
  ['/a', '/a', { rest: '' }],
])('%s reads %s', (template, path, parts) => {
  expect(read(template, path)).toEqual(parts);
});

test.each([
  ['/a/{id}', '/a/'],
  ['/a/{id}', '/a'],
  ['/a/{id}', '/a/1/2'],
  ['/a/{id}', '/b/1'],
  ['/a/{id}', '/a/1/'],
  ['/a/**', '/ab'],
  ['/a', ''],
  ['/a', 'a'],
])('%s does not read %j', (template, path) => {
  expect(read(template, path)).toBeUndefined();
});

test('what one template read, another writes', () => {
  const parts = compileTemplate('/v/{a}/{b}/**')('/v/1/%2f/x/y');
  expect(parts && compilePathBuilder('/{b}/z/{a}{b}/**')(parts)).toBe('/%2f/z/1%2f/x/y');
  expect(parts && compilePathBuilder('/fixed')(parts)).toBe('/fixed');
});
