/** Reads the key that seals the secrets of this service at rest. */
import { parseSealingKey, prepareSealingKey, type SealingKey, UnsealFailure, UnusableSecret } from '@daybook/access';
import { EXIT, StartFailure } from '@daybook/service';
import type { IdentityConfig } from './config.ts';

/**
 * Returns the configured key, or the one of the data folder.
 * @throws StartFailure 78 when it cannot be used
 */
export async function readSealingKey({
  DAYBOOK_DATA,
  DAYBOOK_SEALING_KEY,
}: Pick<IdentityConfig, 'DAYBOOK_DATA' | 'DAYBOOK_SEALING_KEY'>): Promise<SealingKey> {
  try {
    return DAYBOOK_SEALING_KEY === undefined
      ? await prepareSealingKey(DAYBOOK_DATA)
      : parseSealingKey(DAYBOOK_SEALING_KEY);
  } catch (error) {
    if (!(error instanceof UnusableSecret)) throw error;
    throw new StartFailure(EXIT.configuration, error.message, { cause: error });
  }
}

const OTHER_KEY =
  'The secrets in the database of identity were sealed with another sealing key. Set DAYBOOK_SEALING_KEY to that key, ' +
  'or put its file sealing-key back into the data folder. If it is lost, see docs/runbook.md.';

/**
 * Runs work that opens sealed secrets.
 * @throws StartFailure 78 when another key sealed them, as in a restored database
 */
export async function withSealedSecrets<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof UnsealFailure) || error.fault !== 'other-key') throw error;
    throw new StartFailure(EXIT.configuration, OTHER_KEY, { cause: error });
  }
}
