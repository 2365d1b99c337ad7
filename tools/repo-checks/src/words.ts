/** The prose of the repository: documents, and the comments of sources. */
import { filesMatching } from './sources.ts';

const PATTERNS = ['*.md', '{docs,deploy,services,packages,launcher,tools,bench,e2e,examples}/**/*.{md,ts,mjs,cjs}'];
const GENERATED = 'packages/client/src/schema.ts';

/** Returns the paths of all documents and sources, sorted. */
export const textFiles = async (): Promise<string[]> =>
  (await filesMatching(PATTERNS)).filter((file) => file !== GENERATED);

/** Returns the comments of a source, a line each, without their marks. Strings that look like comments are rare and harmless. */
export function commentsOf(source: string): string {
  const lines: string[] = [];
  for (const [comment] of source.matchAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/[^\n]*/g)) {
    for (const line of comment.split('\n')) lines.push(line.replace(/^\s*(?:\/\*\*?|\*\/?|\/\/)\s?|\*\/\s*$/g, ''));
  }
  return lines.join('\n');
}
