/** Reads the sources of the project, for checks. */
import { glob, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Source } from './imports.ts';

const root = join(import.meta.dirname, '../../..');

export async function readSources(): Promise<Source[]> {
  const sources: Source[] = [];
  for await (const file of glob('{packages,services,launcher,tools,bench,e2e}/**/*.ts', {
    cwd: root,
    exclude: (name) => name.includes('node_modules'),
  })) {
    sources.push({ path: relative('', file), text: await readFile(join(root, file), 'utf8') });
  }
  return sources;
}
