/** Runs the tests of one mutant, named by DAYBOOK_MUTANT: its file is changed as it is loaded, and stays as it is. */
import { join } from 'node:path';
import { defineConfig, type Plugin } from 'vitest/config';
import { ACCESS_MUTANTS, type AccessMutant } from './access-mutants.ts';

const ROOT = join(import.meta.dirname, '../../..');

const change = ({ name, file, from, to }: AccessMutant): Plugin => ({
  name: 'access-mutant',
  enforce: 'pre',
  // All other modules are those of the run before.
  configureVitest: ({ defineCacheKeyGenerator }) =>
    defineCacheKeyGenerator(({ id }) => (id === join(ROOT, file) ? name : undefined)),
  transform(code, id) {
    if (id !== join(ROOT, file)) return undefined;
    return { code: code.replace(from, () => to), map: null };
  },
});

const mutant = ACCESS_MUTANTS.find(({ name }) => name === process.env.DAYBOOK_MUTANT);
if (!mutant) throw new Error('DAYBOOK_MUTANT names no mutant');

export default defineConfig({
  root: ROOT,
  plugins: [change(mutant)],
  test: {
    include: [...mutant.tests],
    provide: { database: { kind: 'sqlite', serverUrl: '' } },
    restoreMocks: true,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    maxWorkers: 1,
    isolate: false,
    fsModuleCache: true,
    fsModuleCachePath: join(ROOT, 'node_modules/.cache/mutants'),
  },
});
