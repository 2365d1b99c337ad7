import { expect, test } from 'vitest';
import { LruCache } from './lru-cache.ts';

/** Returns a cache, and the number of its fetches. */
function setUp(capacity: number) {
  const memory = new LruCache<string>(capacity);
  const fetched: string[] = [];
  const get = (key: string) =>
    memory.get(key, async () => {
      fetched.push(key);
      return key.toUpperCase();
    });
  return { memory, fetched, get };
}

test('what is known is fetched once, also for simultaneous requests', async () => {
  const { get, fetched } = setUp(2);
  expect(await Promise.all([get('a'), get('a')])).toEqual(['A', 'A']);
  expect(await get('a')).toBe('A');
  expect(fetched).toEqual(['a']);
});

test('what was not used for longest is forgotten', async () => {
  const { memory, get, fetched } = setUp(2);
  for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) await get(key);
  expect(fetched).toEqual(['a', 'b', 'c', 'b']);
  expect(memory.size).toBe(2);
});

test('a failure is not remembered', async () => {
  const { memory, get } = setUp(2);
  await expect(memory.get('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await get('a')).toBe('A');
});
