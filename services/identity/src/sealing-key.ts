/** Reads the key that seals the secrets of this service at rest. */
import { parseSealingKey, prepareSealingKey, type SealingKey, UnusableSecret } from '@daybook/access';
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
