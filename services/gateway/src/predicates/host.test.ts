import { expect, test } from 'vitest';
import { host } from './host.ts';
import { faultsIn, holds } from './testing.ts';

const asks = (names: string[], value?: string) =>
  holds(host, names, { headers: value === undefined ? {} : { host: value } });

test.each(['daybook.example.org', 'DAYBOOK.example.org', 'daybook.example.org:8080'])('a name is %s', (value) => {
  expect(asks(['other.example', 'daybook.example.org'], value)).toBe(true);
});

test.each(['example.org', 'x.daybook.example.org', 'daybook.example.org.evil', 'xdaybook.example.org', ''])(
  'a name is not %j',
  (value) => {
    expect(asks(['daybook.example.org'], value)).toBe(false);
  },
);

test('*. stands for every name below, and not for the name itself', () => {
  expect(asks(['*.example.org'], 'a.example.org')).toBe(true);
  expect(asks(['*.example.org'], 'a.b.example.org:1')).toBe(true);
  expect(asks(['*.example.org'], 'example.org')).toBe(false);
  expect(asks(['*.example.org'], '.example.org')).toBe(false);
  expect(asks(['*.example.org'], 'notexample.org')).toBe(false);
  expect(asks(['*.example.org'])).toBe(false);
});

test.each(['*', 'a.*.org', 'Example.org', 'a:80', ''])('the name %j is refused', (name) => {
  expect(faultsIn(host, [name]).join()).toContain('/0 must match pattern');
});
