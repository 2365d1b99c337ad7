/** Checks that the text that a mutant replaces is in the present sources, once. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ACCESS_MUTANTS } from './access-mutants.ts';
import { ROOT } from './run-mutant.ts';

it.each(ACCESS_MUTANTS)('mutant can be made: $name', async ({ file, from, to }) => {
  const text = await readFile(join(ROOT, file), 'utf8');
  expect(text.split(from)).toHaveLength(2);
  expect(to).not.toBe(from);
});

it('each mutant has a name of its own, and each service one in the sample', () => {
  const names = ACCESS_MUTANTS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(ACCESS_MUTANTS.filter(({ isSample }) => isSample)).toHaveLength(6);
});
