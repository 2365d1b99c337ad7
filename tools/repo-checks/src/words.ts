/** The prose of the repository: documents, and the comments of sources. */
import { glob } from 'node:fs/promises';

const PATTERNS = ['*.md', '{docs,deploy,services,packages,launcher,tools,bench,e2e}/**/*.{md,ts,mjs,cjs}'];
const SKIPPED = /(?:^|\/)(?:node_modules|target|dist)(?:\/|$)|packages\/client\/src\/schema\.ts$/;

/** Returns the paths of all documents and sources under `root`, sorted. */
export async function textFiles(root: string): Promise<string[]> {
  const files: string[] = [];
  for await (const file of glob(PATTERNS, { cwd: root, exclude: (name) => SKIPPED.test(name) })) {
    if (!SKIPPED.test(file)) files.push(file);
  }
  return files.sort();
}

/** Returns the comments of a source, a line each, without their marks. Strings that look like comments are rare and harmless. */
export function commentsOf(source: string): string {
  const lines: string[] = [];
  for (const [comment] of source.matchAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/[^\n]*/g)) {
    for (const line of comment.split('\n')) lines.push(line.replace(/^\s*(?:\/\*\*?|\*\/?|\/\/)\s?|\*\/\s*$/g, ''));
  }
  return lines.join('\n');
}
