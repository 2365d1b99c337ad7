/**
 * Offers a one-time link for the first administrator as long as there is none. The link is in a file that only the
 * user of this process can read, and the log names the file. Without a data folder the log names a command.
 */
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createLoop, type Loop } from '@daybook/async';
import { errorFields, type Logger } from '@daybook/service';
import type { AccountStore } from './store/accounts.ts';
import type { OneTimeLinkStore } from './store/one-time-links.ts';

const FILE = 'first-administrator-link.txt';
const EVERY_MILLIS = 10 * 60_000;
const COMMAND = 'node services/identity/src/admin-main.ts EMAIL';
const TARGET = { purpose: 'first-administrator' } as const;

export interface FirstAdministratorOptions {
  readonly accounts: Pick<AccountStore, 'hasAdministrator'>;
  readonly links: Pick<OneTimeLinkStore, 'create' | 'exists'>;
  /** Undefined where the processes share no folder. A file in one of their containers would not be found. */
  readonly folder: string | undefined;
  readonly publicUrl: URL;
  readonly logger: Logger;
}

/** Writes a file with mode 0600, and never half of it. */
async function writePrivate(path: string, text: string): Promise<void> {
  const prepared = `${path}.new`;
  await rm(prepared, { force: true });
  const file = await open(prepared, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(prepared, path);
}

/** Makes a link if one is needed. */
export async function offerFirstAdministrator(options: FirstAdministratorOptions): Promise<void> {
  const { accounts, links, folder, publicUrl, logger } = options;
  const hasAdministrator = await accounts.hasAdministrator();
  if (folder === undefined) {
    if (!hasAdministrator) logger.info({ command: COMMAND }, 'no administrator yet; the command prints a link');
    return;
  }
  const path = join(folder, FILE);
  if (hasAdministrator) {
    await rm(path, { force: true });
    return;
  }
  if (await links.exists(TARGET)) return;
  const token = await links.create(TARGET);
  await writePrivate(path, `${publicUrl.origin}/identity/link?token=${token}\n`);
  logger.info({ path }, 'link for the first administrator written');
}

/** Offers the link now and every ten minutes, because the database may be away at the start and links expire. */
export function startFirstAdministratorOffer(options: FirstAdministratorOptions): Loop {
  const loop = createLoop({
    intervalMillis: EVERY_MILLIS,
    async run() {
      try {
        await offerFirstAdministrator(options);
        return true;
      } catch (error) {
        options.logger.warn(errorFields(error), 'link for the first administrator not written');
        return false;
      }
    },
  });
  void loop.runNow();
  return loop;
}
