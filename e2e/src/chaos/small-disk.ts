/** Mounts a separate disk for the database, so that a fault can fill it alone. Requires root. */
import { execFile } from 'node:child_process';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const MOUNT_MILLIS = 10_000;
const BLOCK_BYTES = 64 * 1024;
const SMALLEST_BYTES = 4096;
const MEGABYTE = 1024 * 1024;

export interface SmallDisk {
  readonly path: string;
  /** Fills it to the last block. */
  fill(): Promise<void>;
  free(): Promise<void>;
  unmount(): Promise<void>;
}

/**
 * Mounts the disk.
 * @throws when this user may not
 */
export async function mountSmallDisk(path: string, megabytes: number): Promise<SmallDisk> {
  await mkdir(path, { recursive: true });
  await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0700`, 'daybook-chaos', path], {
    timeout: MOUNT_MILLIS,
  });
  const ballast = join(path, 'ballast');
  return {
    path,
    async fill() {
      const file = await open(ballast, 'a');
      try {
        for (const bytes of [BLOCK_BYTES, SMALLEST_BYTES]) await writeUntilFull(file, Buffer.alloc(bytes), megabytes);
      } finally {
        await file.close();
      }
    },
    free: () => rm(ballast, { force: true }),
    async unmount() {
      await run('umount', [path], { timeout: MOUNT_MILLIS });
    },
  };
}

async function writeUntilFull(file: Awaited<ReturnType<typeof open>>, block: Buffer, megabytes: number): Promise<void> {
  const most = (megabytes * MEGABYTE) / block.length;
  try {
    for (let count = 0; count < most; count += 1) await file.appendFile(block);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  }
}
