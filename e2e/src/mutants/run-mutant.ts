/** Runs the tests of a mutant in a process of their own, and reads which of them failed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@daybook/testing';
import type { AccessMutant } from './access-mutants.ts';

/** The part of the report of Vitest (`--reporter=json`) that counts. */
interface Report {
  readonly testResults: readonly {
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

export const ROOT = join(import.meta.dirname, '../../..');
const VITEST = join(ROOT, 'node_modules/vitest/vitest.mjs');
const CONFIG = join(import.meta.dirname, 'vitest.config.ts');

/** Variables of a surrounding run of Vitest would change this one. */
const environmentFor = ({ name }: AccessMutant): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([key]) => !/^(?:VITEST|NODE_ENV|TEST)/.test(key))),
  DAYBOOK_MUTANT: name,
});

/**
 * Returns the names of the tests that notice a mutant.
 * @throws Error when its tests could not run, because then they would notice nothing
 */
export async function findingsOf(mutant: AccessMutant): Promise<string[]> {
  await using folder = await temporaryFolder();
  const outputFile = join(folder.path, 'report.json');
  const options = ['--config', CONFIG, '--reporter=json', '--outputFile', outputFile, '--bail=1'];
  const child = spawn(process.execPath, [VITEST, 'run', ...options], {
    cwd: ROOT,
    env: environmentFor(mutant),
    stdio: 'ignore',
  });
  await once(child, 'exit');
  const { testResults }: Report = JSON.parse(await readFile(outputFile, 'utf8'));
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  const unread = testResults.find(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  );
  if (unread || tests.length === 0) throw new Error(`the tests did not run: ${unread?.message ?? 'there are none'}`);
  return tests.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName);
}
