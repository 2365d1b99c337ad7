/**
 * Tokens for programs on the machine of the data folder, such as the seed of the demo, `npm run token` and tests. They
 * need the sealing key of the folder and the database, with which anybody could sign tokens anyway.
 */
import { randomUUID } from 'node:crypto';
import { importSigningKey, PERSON_AUDIENCE, signAccessToken } from '@daybook/access';
import type { AccountRole } from '@daybook/contracts';
import { type Environment, issuerOf, publicUrlOf, systemClock } from '@daybook/service';
import { readConfig } from './config.ts';
import { openLocalDatabase } from './local-database.ts';
import { readSealingKey, withSealedSecrets } from './sealing-key.ts';
import { createSigningKeyStore, requireRing } from './store/signing-keys.ts';

export interface LocalCaller {
  readonly role: AccountRole;
  /** The patient of a patient's token, or the doctor of a doctor's. */
  readonly id?: string;
  /** The account of the caller. Without one it is a program of this machine. */
  readonly accountId?: string;
}

/** Signs tokens until it is closed. */
export interface LocalTokens extends AsyncDisposable {
  sign(caller: LocalCaller, livesSeconds?: number): Promise<string>;
}

const LIVES_SECONDS = 5 * 60;

/** @throws InvalidConfiguration, StartFailure 69 or 78, DatabaseUnavailable */
export async function openLocalTokens(environment: Environment): Promise<LocalTokens> {
  const config = readConfig(environment);
  const database = await openLocalDatabase(config);
  const sealingKey = await readSealingKey(config);
  const keys = createSigningKeyStore(database, systemClock, sealingKey);
  const issuer = issuerOf(publicUrlOf(config));
  return {
    async sign({ role, id, accountId }, livesSeconds = LIVES_SECONDS) {
      const { current } = requireRing(await withSealedSecrets(keys.load), systemClock().epochMilliseconds);
      const iat = Math.floor(systemClock().epochMilliseconds / 1_000);
      return signAccessToken(
        {
          iss: issuer,
          aud: PERSON_AUDIENCE,
          sub: accountId ?? `local-${role}`,
          client_id: 'local',
          iat,
          exp: iat + livesSeconds,
          jti: randomUUID(),
          role,
          auth_time: iat,
          ...(role === 'patient' && id !== undefined && { patient_ids: [id] }),
          ...(role === 'doctor' && id !== undefined && { doctor_id: id }),
        },
        await importSigningKey(current.privateJwk),
      );
    },
    [Symbol.asyncDispose]: () => database.close(),
  };
}
