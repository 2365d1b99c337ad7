import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findUpwardImports, LAYERS } from './layers.ts';
import { ROOT, readSources } from './sources.ts';

const GATEWAY = 'services/gateway/src/';
const all = await readSources();

it.each([...LAYERS.keys()])('imports in %s go down only', (folder) => {
  const sources = all.filter(({ path }) => path.startsWith(folder));
  expect(sources.length).toBeGreaterThan(5);
  expect(findUpwardImports(sources)).toEqual([]);
});

it.each([...LAYERS].flatMap(([folder, layers]) => layers.flat().map((name) => folder + name)))(
  'the layer %s exists',
  (path) => {
    expect(existsSync(join(ROOT, path))).toBe(true);
  },
);

describe('the check of layers', () => {
  const faultsOf = (file: string, text: string) => findUpwardImports([{ path: GATEWAY + file, text }]);

  it.each([
    ['an import from a higher layer', 'routes/x.ts', "import { y } from '../proxy/y.ts';"],
    ['an import of a type', 'routes/x.ts', "import type { Y } from '../proxy/y.ts';"],
    ['a later import', 'routes/x.ts', "const y = await import('../proxy/y.ts');"],
    ['a re-export', 'routes/x.ts', "export { y } from '../proxy/y.ts';"],
    ['an import of a file at the top', 'api/x.ts', "import { y } from '../app.ts';"],
    ['an import from the same layer', 'filters/x.ts', "import { y } from '../predicates/y.ts';"],
    ['an import from a folder inside', 'http/x.ts', "import { y } from './fast-path/y.ts';"],
    ['an import of a file without a layer', 'proxy/x.ts', "import { y } from '../elsewhere/y.ts';"],
    ['a file without a layer', 'elsewhere/x.ts', ''],
  ])('finds %s', (_what, file, text) => expect(faultsOf(file, text)).toHaveLength(1));

  it.each([
    ['an import from a lower layer', 'proxy/x.ts', "import { y } from '../routes/y.ts';"],
    ['an import from the same folder', 'proxy/x.ts', "import { y } from './y.ts';"],
    ['an import from the folder around', 'http/fast-path/x.ts', "import { y } from '../y.ts';"],
    ['an import of a package', 'routes/x.ts', "import { y } from '@daybook/service';"],
    ['a test', 'routes/x.test.ts', "import { y } from '../proxy/y.ts';"],
    ['a helper of tests', 'filters/testing.ts', "import { y } from '../predicates/y.ts';"],
    ['a hardening test', 'hardening/x.ts', "import { y } from '../app.ts';"],
    ['an import of a migration', 'main.ts', "import { migrations } from '../migrations/index.ts';"],
  ])('accepts %s', (_what, file, text) => expect(faultsOf(file, text)).toEqual([]));

  it.each([
    ['a store that imports a job', 'store/x.ts', "import { y } from '../jobs/y.ts';"],
    ['a domain that imports an event', 'domain/x.ts', "import type { Y } from '../events/published.ts';"],
    ['a job that imports a route', 'jobs/x.ts', "import { y } from '../routes/y.ts';"],
    ['a client that imports a job', 'clients/x.ts', "import { y } from '../jobs/y.ts';"],
  ])('finds %s', (_what, file, text) =>
    expect(findUpwardImports([{ path: `services/appointment/src/${file}`, text }])).toHaveLength(1),
  );
});
