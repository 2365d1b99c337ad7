import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findUpwardImports, GATEWAY, LAYERS } from './gateway-layers.ts';
import { ROOT, readSources } from './sources.ts';

it('imports of the gateway go down only', async () => {
  const sources = (await readSources()).filter(({ path }) => path.startsWith(GATEWAY));
  expect(sources.length).toBeGreaterThan(100);
  expect(findUpwardImports(sources)).toEqual([]);
});

it.each(LAYERS.flat())('the layer %s exists', (name) => {
  expect(existsSync(join(ROOT, GATEWAY, name))).toBe(true);
});

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
  ])('accepts %s', (_what, file, text) => expect(faultsOf(file, text)).toEqual([]));
});
