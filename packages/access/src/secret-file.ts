/** Creates and reads files that hold a secret: for this user of the machine only, and never half written. */
import { randomUUID } from 'node:crypto';
import { link, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

const OWNER_ONLY = 0o600;
const OTHERS = 0o077;
const MODE_BITS = 0o777;
/** No secret of ours is longer. */
const MAX_BYTES = 4_096;
/** Windows has no modes, and opens no folder. */
const hasModes = process.platform !== 'win32';

/** A secret that cannot be used, and what to do. The message never holds the secret. */
export class UnusableSecret extends Error {
  override readonly name = 'UnusableSecret';
}

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;

async function writeNew(path: string, content: string): Promise<void> {
  await using file = await open(path, 'wx', OWNER_ONLY);
  await file.writeFile(content);
  await file.sync();
}

/** Makes a new name in a folder survive a power failure. Data that was sealed with a lost key would be lost, too. */
async function syncFolder(path: string): Promise<void> {
  if (!hasModes) return;
  await using folder = await open(path, 'r');
  await folder.sync();
}

/**
 * Creates a file unless it exists. Of several processes that do so simultaneously one succeeds, and all of them read
 * its content afterwards: the file gets its name when it is complete.
 */
export async function createSecretFile(path: string, content: string): Promise<void> {
  const prepared = `${path}.${randomUUID()}.new`;
  try {
    await writeNew(prepared, content);
    await link(prepared, path);
    await syncFolder(dirname(path));
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
  } finally {
    await rm(prepared, { force: true });
  }
}

/**
 * Returns the content of a secret file, or undefined if it does not exist.
 * @throws UnusableSecret when other users could have read or changed it
 */
export async function readSecretFile(path: string): Promise<string | undefined> {
  try {
    await using file = await open(path, 'r');
    const { mode, size } = await file.stat();
    if (hasModes && (mode & OTHERS) !== 0) {
      const octal = (mode & MODE_BITS).toString(8);
      throw new UnusableSecret(
        `Other users of this machine can use the secret file ${path} (mode ${octal}). ` +
          `If they have not, run: chmod 600 ${path}. Otherwise delete it, and Daybook makes a new one.`,
      );
    }
    if (size > MAX_BYTES)
      throw new UnusableSecret(`The secret file ${path} has ${size} bytes, more than ${MAX_BYTES}.`);
    return await file.readFile('utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
