/** The manifests as they are rendered, for tests. */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Manifest } from './manifest.ts';
import { findRenderer, render } from './render.ts';
import { makeSecrets } from './secrets.ts';

const SOURCES = fileURLToPath(new URL('../../../deploy/kubernetes', import.meta.url));

/** Undefined, and said, where nothing can render; a failure where DAYBOOK_TEST_REQUIRE wants it. */
export const renderer = await findRenderer();
if (!renderer) {
  const why = 'kustomize: install kustomize 5, or kubectl 1.27 or newer';
  if ((process.env.DAYBOOK_TEST_REQUIRE ?? '').split(',').includes('kustomize')) {
    throw new Error(`DAYBOOK_TEST_REQUIRE names what is not there. ${why}`);
  }
  process.stdout.write(`Left out, for want of a program: ${why}\n`);
}

/** A copy of the sources in which everything that a person makes beside them is there. */
export async function copyOfSources(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'daybook-manifests-'));
  const withoutSecrets = (source: string) => !source.endsWith('/secrets');
  await cp(SOURCES, path, { recursive: true, filter: withoutSecrets });
  await makeSecrets(join(path, 'overlays/local/secrets'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

export async function renderFolder(folder: string): Promise<readonly Manifest[]> {
  if (!renderer) throw new Error('A test that renders was not left out.');
  await using sources = await copyOfSources();
  return await render(renderer, join(sources.path, folder));
}
