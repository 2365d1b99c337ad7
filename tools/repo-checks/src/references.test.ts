/** Every path and every link of the documents leads somewhere. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { documentsIn, linksIn, pathsIn } from './references.ts';
import { ROOT } from './sources.ts';
import { commentsOf, textFiles } from './words.ts';

/** What a run makes, or a user. */
const MADE = /node_modules|\/target\/|\/secrets\b|openapi\.json$/;

const files = await textFiles();
const documents = files.filter((file) => file.endsWith('.md'));
const scripts = files.filter((file) => /\.[cm]?[jt]s$/.test(file));

async function brokenIn(file: string): Promise<string[]> {
  const text = await readFile(join(ROOT, file), 'utf8');
  const paths = pathsIn(text).filter((path) => !existsSync(join(ROOT, path)));
  const links = linksIn(text).filter((link) => !existsSync(join(ROOT, dirname(file), link)));
  return [...paths, ...links].filter((one) => !MADE.test(one));
}

describe('references', () => {
  it.each(documents)('of %s lead somewhere', async (file) => {
    expect(await brokenIn(file)).toEqual([]);
  });

  it('of comments to documents lead somewhere', async () => {
    const broken: string[] = [];
    for (const file of scripts) {
      const named = documentsIn(commentsOf(await readFile(join(ROOT, file), 'utf8')));
      broken.push(...named.filter((path) => !existsSync(join(ROOT, path))).map((path) => `${file}: ${path}`));
    }
    expect(broken).toEqual([]);
  });
});

describe('a check of references reads', () => {
  it('paths in backticks, with or without a file', () => {
    expect(pathsIn('`docs/a.md`, `services/x/src` and `npm test`, not services/y.ts')).toEqual([
      'docs/a.md',
      'services/x/src',
    ]);
  });

  it('every file that a diagram names', () => {
    const diagram = '```mermaid\nA->>B: read<br/>services/x/a.ts<br/>packages/y/src/b-c.ts\nB->>A: and/or\n```\n';
    expect(pathsIn(`One.\n\n${diagram}\nservices/z.ts\n`)).toEqual(['services/x/a.ts', 'packages/y/src/b-c.ts']);
  });

  it('documents that a comment names, with or without a folder', () => {
    expect(documentsIn('See docs/a.md, `api.md` (CONTRIBUTING.md). Not b.mdx.')).toEqual([
      'docs/a.md',
      'api.md',
      'CONTRIBUTING.md',
    ]);
  });

  it('links to files, without their anchors, and no addresses', () => {
    expect(linksIn('[a](b.md#c) [d](https://e.org) [f](#g)')).toEqual(['b.md']);
  });
});

it('the picture of a booking names files of each part that it passes', async () => {
  const paths = pathsIn(await readFile(join(ROOT, 'docs/architecture.md'), 'utf8'));
  for (const part of ['services/gateway', 'services/appointment', 'packages/messaging', 'services/notification']) {
    expect(paths.some((path) => path.startsWith(part))).toBe(true);
  }
});
