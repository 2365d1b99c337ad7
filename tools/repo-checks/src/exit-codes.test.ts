import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT } from '@daybook/service/exit-codes';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../../..');

it('the runbook describes the exit codes of the programs, all of them and no others', async () => {
  const runbook = await readFile(join(root, 'docs/runbook.md'), 'utf8');
  const [table = ''] = /\| exit code \|[\s\S]*?\n\n/.exec(runbook) ?? [];
  const described = [...table.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
  expect(described).toEqual(Object.values(EXIT));
});
