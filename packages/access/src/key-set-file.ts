/** Keeps the last good key set on disk, so that a service can verify tokens before it reaches identity. */
import { randomUUID } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';

const OWNER_ONLY = 0o600;

/** Returns the text of the file, or undefined if there is none. Nothing in it is trusted before it is verified. */
export async function readKeySetFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Replaces the file atomically. Several processes may do so simultaneously: each writes a file of its own first. */
export async function replaceKeySetFile(path: string, text: string): Promise<void> {
  const prepared = `${path}.${randomUUID()}.new`;
  try {
    {
      await using file = await open(prepared, 'wx', OWNER_ONLY);
      await file.writeFile(text);
    }
    await rename(prepared, path);
  } catch (error) {
    await rm(prepared, { force: true });
    throw error;
  }
}
