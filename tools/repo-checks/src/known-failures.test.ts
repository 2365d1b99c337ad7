/** Checks that each known failure of real schedulers names its tests, and that these tests exist. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../../..');
const text = await readFile(join(ROOT, 'docs/known-failures.md'), 'utf8');

interface Named {
  readonly file: string;
  readonly test: string;
}

/** Returns the files and tests of a row: `e2e/src/x.test.ts`: "one"; "two". */
function testsOf(row: string): Named[] {
  const named: Named[] = [];
  let file = '';
  for (const [, path, test] of row.matchAll(/`([^`]+\.ts)`|"([^"]+)"/g)) {
    file = path ?? file;
    if (test !== undefined) named.push({ file, test });
  }
  return named;
}

const rows = text.split('\n').filter((line) => line.startsWith('| ') && !/^\| (failure|---)/.test(line));

describe('the failures that schedulers really had', () => {
  it('each name a test', () => {
    expect(rows.length).toBeGreaterThan(20);
    for (const row of rows) expect(testsOf(row), row).not.toEqual([]);
  });

  it.each(rows.flatMap(testsOf))('$file has the test "$test"', async ({ file, test }) => {
    const source = await readFile(join(ROOT, file), 'utf8');
    const names = [...source.matchAll(/\b(?:it|test)(?:\.each[^;]*?\))?\(\s*(['"`])(.*?)\1,/gs)].map(
      ([, , name]) => name,
    );
    expect(names).toContain(test);
  });
});
