/** Renders the manifests for tests. */
import { join } from 'node:path';
import type { Manifest } from './manifest.ts';
import { findRenderer, render } from './render.ts';
import { copyOfSources } from './sources.ts';

/** Undefined, with a message, when no renderer is installed. A failure if DAYBOOK_TEST_REQUIRE requires it. */
export const renderer = await findRenderer();
if (!renderer) {
  const why = 'kustomize: install kustomize 5, or a kubectl that has it (1.27 or newer)';
  if ((process.env.DAYBOOK_TEST_REQUIRE ?? '').split(',').includes('kustomize')) {
    throw new Error(`DAYBOOK_TEST_REQUIRE names what is not there. ${why}`);
  }
  process.stdout.write(`Left out, for want of a program: ${why}\n`);
}

export async function renderFolder(folder: string): Promise<readonly Manifest[]> {
  if (!renderer) throw new Error('A test that renders was not left out.');
  await using sources = await copyOfSources();
  return await render(renderer, join(sources.path, folder));
}
