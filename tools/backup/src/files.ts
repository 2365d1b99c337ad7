/** Writes files and flushes them to the disk. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, lstat, open } from 'node:fs/promises';
import { dirname } from 'node:path';

const OWNER_ONLY = 0o600;
const CHUNK_BYTES = 1024 * 1024;

/** Flushes a folder, except on Windows, which flushes file names itself and cannot open folders. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  await using handle = await open(folder, 'r');
  await handle.sync();
}

export async function writeDurably(path: string, content: string): Promise<void> {
  {
    await using file = await open(path, 'w', OWNER_ONLY);
    await file.writeFile(content);
    await file.sync();
  }
  await syncFolder(dirname(path));
}

export async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}

export interface Content {
  readonly bytes: number;
  readonly sha256: string;
}

/** Reads a file to its end, and writes it to `copy` if given. */
async function hashFile(path: string, signal: AbortSignal | undefined, copy?: FileHandle): Promise<Content> {
  const hash = createHash('sha256');
  let bytes = 0;
  const options = { highWaterMark: CHUNK_BYTES, ...(signal && { signal }) };
  for await (const chunk of createReadStream(path, options) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
    await copy?.writeFile(chunk);
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** Flushes a file to the disk, readable by its owner only. Returns its size and hash. */
export async function syncAndHashFile(path: string, signal?: AbortSignal): Promise<Content> {
  {
    await using file = await open(path, 'r+');
    await file.chmod(OWNER_ONLY);
    await file.sync();
  }
  return hashFile(path, signal);
}

/** Copies a file to the disk, readable by its owner only. Returns its size and hash. */
export async function copyFile(from: string, to: string, signal?: AbortSignal): Promise<Content> {
  await using file = await open(to, 'wx', OWNER_ONLY);
  const content = await hashFile(from, signal, file);
  await file.sync();
  return content;
}
