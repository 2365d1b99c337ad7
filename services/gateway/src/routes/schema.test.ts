import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createValidator } from '@daybook/service';
import { describe, expect, test } from 'vitest';
import { plugins } from '../plugins.ts';
import { markdownTable, routesFileSchema } from './schema.ts';

const { predicates, filters } = plugins;
const catalogues = Object.entries({ predicates, filters });
const names = catalogues.flatMap(([kind, catalogue]) =>
  Object.keys(catalogue).map((name) => [kind, name, catalogue[name]] as const),
);
const fileNameOf = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

describe('the catalogue', () => {
  test.each(names)('of %s: the example of %s matches its schema', (_kind, _name, entry) => {
    expect(entry?.faultsOf(entry.example)).toEqual([]);
  });

  test.each(names)('of %s: %s stands in a file of its name, with a test', async (kind, name) => {
    const files = await readdir(join(import.meta.dirname, '..', kind));
    expect(files).toEqual(expect.arrayContaining([`${fileNameOf(name)}.ts`, `${fileNameOf(name)}.test.ts`]));
  });

  test.each(catalogues)('of %s is the table in docs/gateway.md', async (_kind, catalogue) => {
    const page = await readFile(join(import.meta.dirname, '../../../../docs/gateway.md'), 'utf8');
    expect(page).toContain(markdownTable(catalogue));
  });
});

describe('the JSON schema of the file', () => {
  test('is what editors use (vitest -u rewrites it)', async () => {
    await expect(`${JSON.stringify(routesFileSchema(plugins), null, 2)}\n`).toMatchFileSnapshot(
      '../../routes.schema.json',
    );
  });

  test('takes the routes that Daybook comes with, and nothing that is not in the catalogues', async () => {
    const check = createValidator(routesFileSchema(plugins));
    const own = JSON.parse(await readFile(join(import.meta.dirname, '../../routes.json'), 'utf8'));
    expect(check(own)).toHaveProperty('value');
    const route = { ...own.routes[0], filters: [{ stripPrefx: 1 }] };
    expect(check({ routes: [route] })).toHaveProperty('faults');
  });
});
