/** No dependency runs code when it is installed. The root has a script of its own, which reports a missing Node. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from './sources.ts';

interface Lockfile {
  readonly packages: Readonly<Record<string, { readonly hasInstallScript?: boolean }>>;
}

/** Returns the packages of a lockfile with a script that npm runs at their installation, except the root. */
const withInstallScript = ({ packages }: Lockfile): string[] =>
  Object.entries(packages)
    .filter(([path, { hasInstallScript }]) => path !== '' && hasInstallScript === true)
    .map(([path]) => path);

it('no package but the root has an install script', async () => {
  const lockfile: Lockfile = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8'));
  expect(Object.keys(lockfile.packages).length).toBeGreaterThan(100);
  expect(withInstallScript(lockfile)).toEqual([]);
});

it('the check finds an install script', () => {
  const packages = {
    '': { hasInstallScript: true },
    'node_modules/a': { hasInstallScript: true },
    'node_modules/b': {},
  };
  expect(withInstallScript({ packages })).toEqual(['node_modules/a']);
});
