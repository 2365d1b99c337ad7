import { expect, test } from 'vitest';
import { plugins } from '../plugins.ts';
import { createRouteCompiler } from '../routes/compiler.ts';
import type { Route } from '../routes/route.ts';
import { createRouteTable } from '../routes/table.ts';
import { requestOf } from './testing.ts';

const share = (id: string, weight: number, group = 'patients'): Route => ({
  id,
  predicates: { path: ['/a'], weight: { group, weight } },
  service: 'x',
});

/** Returns evenly spread numbers, so that shares are exact. */
function evenly(count: number): () => number {
  let next = 0;
  return () => (next++ % count) / count;
}

function counts(routes: readonly Route[], requests: number): Record<string, number> {
  const table = createRouteTable(createRouteCompiler({ plugins, random: evenly(requests) })(routes));
  const chosen = Array.from({ length: requests }, () => table.match(requestOf())?.id ?? 'none');
  return Object.fromEntries([...Map.groupBy(chosen, (id) => id)].map(([id, all]) => [id, all.length]));
}

test('the routes of a group share its requests by their weights, and none is left over', () => {
  expect(counts([share('old', 7), share('new', 2), share('newest', 1)], 1_000)).toEqual({
    old: 700,
    new: 200,
    newest: 100,
  });
});

test('a weight of 0 takes nothing', () => {
  expect(counts([share('off', 0), share('on', 5)], 100)).toEqual({ on: 100 });
});

test('groups share apart from each other', () => {
  expect(counts([share('a', 1, 'first'), share('b', 1, 'first'), share('c', 1, 'second')], 100)).toEqual({
    a: 50,
    b: 50,
  });
});

test('a request that is matched again goes where it went', () => {
  const table = createRouteTable(createRouteCompiler({ plugins })([share('a', 1), share('b', 1)]));
  const request = requestOf();
  const first = table.match(request)?.id;
  expect(first).toBeDefined();
  for (let count = 0; count < 50; count += 1) expect(table.match(request)?.id).toBe(first);
});
