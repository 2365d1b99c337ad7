/** The sources in deploy/kubernetes, and copies of them to render. */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeSecrets } from './secrets.ts';

export const SOURCES = fileURLToPath(new URL('../../../../deploy/kubernetes', import.meta.url));
export const SECRETS = join(SOURCES, 'overlays/local/secrets');

/** Copies the sources with new passwords, which no server uses. */
export async function copyOfSources(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'daybook-manifests-'));
  await cp(SOURCES, path, { recursive: true, filter: (source) => source !== SECRETS });
  await makeSecrets(join(path, 'overlays/local/secrets'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}
