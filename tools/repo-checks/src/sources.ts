/** Finds and reads the files of the project, for checks. */
import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Source } from './imports.ts';

export const ROOT = join(import.meta.dirname, '../../..');

/** What npm, Maven or a build makes. */
const MADE = /(?:^|\/)(?:node_modules|target|dist)(?:\/|$)/;

/** Returns the paths of the project's own files that match, from its root on, sorted. */
export async function filesMatching(patterns: string | readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for await (const file of glob(patterns, { cwd: ROOT, exclude: (name) => MADE.test(name) })) {
    if (!MADE.test(file)) files.push(file);
  }
  return files.sort();
}

export async function readSources(): Promise<Source[]> {
  const files = await filesMatching('{packages,services,launcher,tools,bench,e2e,examples}/**/*.ts');
  return Promise.all(files.map(async (path) => ({ path, text: await readFile(join(ROOT, path), 'utf8') })));
}
