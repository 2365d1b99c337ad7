import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { temporaryFolder } from '@daybook/testing';
import { expect, test } from 'vitest';
import { openSnapshot } from './snapshot.ts';
import { makeData, never, readCounter, startWriter } from './testing.ts';

test('a cut is one moment of all files, whatever is written meanwhile', async () => {
  await using folder = await temporaryFolder();
  const paths = await makeData(join(folder.path, 'data'), { a: 0, b: 0 });
  await using _writer = await startWriter(paths);
  const seen: unknown[] = [];
  for (let round = 0; round < 40; round += 1) {
    using snapshot = await openSnapshot(paths, never);
    const copies = ['a', 'b'].map((name) => join(folder.path, `${name}-${round}`));
    for (const [index, path] of paths.entries()) await snapshot.copy(path, copies[index] ?? '', never);
    const [a, b] = copies.map((copy) => Number(readCounter(copy)));
    // The writer increments the first file first.
    seen.push(a === b || a === Number(b) + 1 ? 'one moment' : { a, b });
  }
  expect(new Set(seen)).toEqual(new Set(['one moment']));
});

test('a cut waits for a transaction that is under way, and lets others write to the other files meanwhile', async () => {
  await using folder = await temporaryFolder();
  const [a = '', b = ''] = await makeData(folder.path, { a: 1, b: 1 });
  using slow = new DatabaseSync(b);
  slow.exec('BEGIN IMMEDIATE; UPDATE counter SET n = 2');
  const cutting = openSnapshot([a, b], never);
  using other = new DatabaseSync(a, { timeout: 0 });
  const write = () => other.prepare('UPDATE counter SET n = n + 1').run().changes;
  for (let n = 0; n < 3; n += 1) await expect.poll(write, { timeout: 20_000 }).toBe(1);
  slow.exec('COMMIT');
  using snapshot = await cutting;
  await snapshot.copy(b, join(folder.path, 'copy'), never);
  expect(readCounter(join(folder.path, 'copy'))).toBe(2);
});

test('no writer waits for a copy, because the locks are released before it begins', async () => {
  await using folder = await temporaryFolder();
  const [path = ''] = await makeData(folder.path, { a: 1 });
  using snapshot = await openSnapshot([path], never);
  using other = new DatabaseSync(path, { timeout: 0 });
  other.exec('UPDATE counter SET n = 2');
  await snapshot.copy(path, join(folder.path, 'copy'), never);
  expect([readCounter(join(folder.path, 'copy')), readCounter(path)]).toEqual([1, 2]);
});
