import { expect, test } from 'vitest';
import { host } from './host.ts';
import { faultsIn, matches } from './testing.ts';

const matchesHost = (names: string[], value?: string) =>
  matches(host, names, { headers: value === undefined ? {} : { host: value } });

test.each(['daybook.example.org', 'DAYBOOK.example.org', 'daybook.example.org:8080'])('a name is %s', (value) => {
  expect(matchesHost(['other.example', 'daybook.example.org'], value)).toBe(true);
});

test.each(['example.org', 'x.daybook.example.org', 'daybook.example.org.evil', 'xdaybook.example.org', ''])(
  'a name is not %j',
  (value) => {
    expect(matchesHost(['daybook.example.org'], value)).toBe(false);
  },
);

test('*. stands for every name below, and not for the name itself', () => {
  expect(matchesHost(['*.example.org'], 'a.example.org')).toBe(true);
  expect(matchesHost(['*.example.org'], 'a.b.example.org:1')).toBe(true);
  expect(matchesHost(['*.example.org'], 'example.org')).toBe(false);
  expect(matchesHost(['*.example.org'], '.example.org')).toBe(false);
  expect(matchesHost(['*.example.org'], 'notexample.org')).toBe(false);
  expect(matchesHost(['*.example.org'])).toBe(false);
});

test.each(['*', 'a.*.org', 'Example.org', 'a:80', ''])('the name %j is refused', (name) => {
  expect(faultsIn(host, [name]).join()).toContain('/0 must match pattern');
});
