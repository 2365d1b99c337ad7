/** Verifies the callers of this service's own operations, with its own keys. */
import { createKeySource, createTokenVerifier, PERSON_AUDIENCE, type RootKey } from '@daybook/access';
import { type Authenticator, type Clock, errorFields, type Logger } from '@daybook/service';

export interface OwnAuthenticatorOptions {
  readonly issuer: string;
  /** This service, which the tokens of other services have to name. */
  readonly audience: string;
  readonly signKeySet: () => Promise<string>;
  readonly rootKey: RootKey;
  readonly clock: Clock;
  readonly logger: Logger;
}

export async function createOwnAuthenticator(options: OwnAuthenticatorOptions): Promise<Authenticator> {
  const { issuer, audience, signKeySet, rootKey, clock, logger } = options;
  const keys = await createKeySource({
    fetchKeySet: () => signKeySet(),
    rootKey: rootKey.verification,
    clock,
    onFailure: (error) => logger.warn(errorFields(error), 'own key set not read'),
  });
  const { verify } = createTokenVerifier({ issuer, audiences: [PERSON_AUDIENCE, audience], keys, clock });
  return { issuer, hasPublicPage: false, readsSessions: true, verify };
}
