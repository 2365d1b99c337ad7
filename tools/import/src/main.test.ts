import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { SMALL, writeFolder } from './testing.ts';

/** A port on which no server listens. */
const UNREACHABLE_URL = 'http://127.0.0.1:1';

function run(...argv: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const env = { ...process.env, DAYBOOK_TOKEN: 'unused' };
    execFile(process.execPath, [join(import.meta.dirname, 'main.ts'), ...argv], { env }, (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, stdout, stderr });
    });
  });
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-import-main-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

test('wrong usage is one line and 64', async () => {
  const { code, stdout, stderr } = await run();
  expect([code, stdout]).toEqual([64, '']);
  expect(stderr).toMatch(/^Usage: npm run import -- FOLDER .*\n$/);
});

test('a folder that is not there is one line and 69', async () => {
  const { code, stderr } = await run('/there/is/none', '--url', UNREACHABLE_URL);
  expect(code).toBe(69);
  expect(stderr).toBe('/there/is/none/providers.csv cannot be read (ENOENT).\n');
});

test('a missing column is one line and 65, before any request', async () => {
  const folder = await writeFolder(await temporaryFolder(), SMALL);
  await writeFile(join(folder, 'encounters.csv'), 'Id,START,PATIENT,PROVIDER\n');
  const { code, stderr } = await run(folder, '--url', UNREACHABLE_URL);
  expect(code).toBe(65);
  expect(stderr).toBe('encounters.csv lacks what is needed: there is no column STOP.\n');
});

test('no Daybook at the address is one line and 69', async () => {
  const folder = await writeFolder(await temporaryFolder(), SMALL);
  const { code, stderr } = await run(folder, '--url', UNREACHABLE_URL);
  expect(code).toBe(69);
  expect(stderr).toMatch(/^No Daybook responds at http:\/\/127\.0\.0\.1:1 \(.*\)\.\n$/);
});
