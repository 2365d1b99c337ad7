/** The words of docs/glossary.md: one word for one thing, and none of those that readers have to guess. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from './sources.ts';
import { commentsOf, textFiles } from './words.ts';

/** Rule 10 of the house: words that the reader has to guess. */
const BANNED = /\b(?:aloud|anew|whoever|to be had|all the same|so many|dear|door)\b/i;
/** Rule 1: the actor is named. Questions in pages are exempt. */
const NAMELESS = /(?:^|[.!?]\s+)(?:Who|Whoever|Nobody)\b(?![^.!?]*\?)/m;

const quoted = /"[^"\n]*"|`[^`\n]*`/g;

async function proseOf(file: string): Promise<string> {
  const text = await readFile(join(ROOT, file), 'utf8');
  return (file.endsWith('.md') ? text : commentsOf(text)).replace(quoted, '');
}

/** `file: line` of each line that matches. */
async function linesWith(pattern: RegExp): Promise<string[]> {
  const found: string[] = [];
  for (const file of await textFiles()) {
    const prose = await proseOf(file);
    for (const line of prose.split('\n')) if (pattern.test(line.trim())) found.push(`${file}: ${line.trim()}`);
  }
  return found;
}

describe('documents and comments', () => {
  it('use no word that readers have to guess', async () => {
    expect(await linesWith(BANNED)).toEqual([]);
  });

  it('name the actor instead of beginning a sentence with Who, Whoever or Nobody', async () => {
    expect(await linesWith(NAMELESS)).toEqual([]);
  });
});
