/** Every path and every link of the documents leads somewhere. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from './sources.ts';
import { textFiles } from './words.ts';

/** A path of the repository, in backticks: it has a folder and an ending, and no placeholder. */
const PATH = /`((?:docs|deploy|services|packages|launcher|tools|bench|e2e|examples|\.ci|\.github)\/[\w./-]+)`/g;
const LINK = /\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)\s]*)?\)/g;
/** What a run makes, or a user. */
const MADE = /node_modules|\/target\/|\/secrets\b|openapi\.json$/;

const documents = (await textFiles()).filter((file) => file.endsWith('.md'));

async function brokenIn(file: string): Promise<string[]> {
  const text = await readFile(join(ROOT, file), 'utf8');
  const paths = [...text.matchAll(PATH)].map(([, path = '']) => path).filter((path) => !existsSync(join(ROOT, path)));
  const links = [...text.matchAll(LINK)]
    .map(([, link = '']) => link)
    .filter((link) => !existsSync(join(ROOT, dirname(file), link)));
  return [...paths, ...links].filter((one) => !MADE.test(one));
}

describe('references', () => {
  it.each(documents)('of %s lead somewhere', async (file) => {
    expect(await brokenIn(file)).toEqual([]);
  });
});
