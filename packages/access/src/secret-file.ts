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

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);

/**
 * Creates a file unless it exists. Of several processes that do so simultaneously one succeeds, and all of them read
 * its content afterwards: the file gets its name when it is complete.
 * @throws UnusableSecret
 */
export async function createSecretFile(path: string, content: string): Promise<void> {
  const prepared = `${path}.${randomUUID()}.new`;
  try {
    await writeNew(prepared, content);
    await link(prepared, path);
    await syncFolder(dirname(path));
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return;
    const advice = 'Set DAYBOOK_DATA to a folder that can be written, of a file system with hard links.';
    throw new UnusableSecret(`The secret file ${path} cannot be created (${codeOf(error)}). ${advice}`, {
      cause: error,
    });
  } finally {
    await rm(prepared, { force: true });
  }
}

function assertPrivate(path: string, mode: number): void {
  if (!hasModes || (mode & OTHERS) === 0) return;
  throw new UnusableSecret(
    `Other users of this machine can use the secret file ${path} (mode ${(mode & MODE_BITS).toString(8)}). ` +
      `If they have not, run: chmod 600 ${path}. Otherwise delete it, and Daybook makes a new one.`,
  );
}

/**
 * Returns the content of a secret file, or undefined if it does not exist.
 * @throws UnusableSecret when other users could have read or changed it, or when it cannot be read
 */
export async function readSecretFile(path: string): Promise<string | undefined> {
  try {
    await using file = await open(path, 'r');
    const { mode, size } = await file.stat();
    assertPrivate(path, mode);
    if (size > MAX_BYTES) {
      throw new UnusableSecret(`The secret file ${path} has ${size} bytes, more than ${MAX_BYTES}. Restore it.`);
    }
    return await file.readFile('utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    if (error instanceof UnusableSecret) throw error;
    const advice = 'Run Daybook as the user that owns it.';
    throw new UnusableSecret(`The secret file ${path} cannot be read (${codeOf(error)}). ${advice}`, { cause: error });
  }
}
