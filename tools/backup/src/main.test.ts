import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { temporaryFolder } from '@daybook/testing';
import { expect, test } from 'vitest';
import { makeData } from './testing.ts';

function run(tool: 'backup' | 'restore', data: string, ...argv: string[]): Promise<{ code: unknown; output: string }> {
  const options = { env: { ...process.env, DAYBOOK_DATA: data } };
  return new Promise((resolve) => {
    execFile(process.execPath, [join(import.meta.dirname, `${tool}-main.ts`), ...argv], options, (error, out, err) =>
      resolve({ code: error?.code ?? 0, output: out + err }),
    );
  });
}

test('wrong usage is one line and 64', async () => {
  const backup = { code: 64, output: 'Usage: npm run backup -- FOLDER, where FOLDER is new.\n' };
  const restore = { code: 64, output: 'Usage: npm run restore -- FOLDER [--replace]\n' };
  expect(await run('backup', '/none')).toEqual(backup);
  expect(await run('backup', '/none', 'a', '--replace')).toEqual(backup);
  expect(await run('restore', '/none')).toEqual(restore);
  expect(await run('restore', '/none', 'a', 'b')).toEqual(restore);
}, 120_000);

test('a backup and a restore report what they did; what goes wrong is one line', async () => {
  await using folder = await temporaryFolder();
  const [data, backup] = [join(folder.path, 'data'), join(folder.path, 'backup')];
  expect(await run('backup', data, backup)).toMatchObject({
    code: 69,
    output: expect.stringMatching(/^There is no data folder .*\n$/),
  });
  await makeData(data, { patient: 1 });
  const line = /^Backed up 1 database \(0\.0 MB\) as of \S+Z to \S+backup; no writer .* longer than \d+ ms\.\n$/;
  expect(await run('backup', data, backup)).toMatchObject({ code: 0, output: expect.stringMatching(line) });
  expect(await run('restore', data, backup)).toMatchObject({
    code: 64,
    output: expect.stringMatching(/^There are databases .*\n$/),
  });
  const lines = /^Restored 1 database as of \S+Z into \S+data\.\nWhat was there is kept in \S+\.\n$/;
  expect(await run('restore', data, backup, '--replace')).toMatchObject({
    code: 0,
    output: expect.stringMatching(lines),
  });
}, 120_000);
