/** Verifies the bearer tokens of a service's callers, with keys that discovery finds and the root key makes credible. */
import { mkdir } from 'node:fs/promises';
import {
  createKeySource,
  createTokenVerifier,
  type KeySource,
  MAX_KEY_SET_LENGTH,
  PERSON_AUDIENCE,
  parseIdentityKey,
  prepareRootKey,
  type TokenVerifier,
  UnusableSecret,
  type VerificationKey,
} from '@daybook/access';
import { InvalidConfiguration } from '../config/read-configuration.ts';
import { systemClock } from '../lifecycle/clock.ts';
import { EXIT } from '../lifecycle/exit-codes.ts';
import { StartFailure } from '../lifecycle/start-failure.ts';
import type { HealthCheck } from '../observability/health.ts';
import type { Logger } from '../observability/logger.ts';
import type { IdentityClient } from './identity-client.ts';

/** Decides who sent a request. */
export interface Authenticator extends Pick<TokenVerifier, 'verify'> {
  /** The URL of the issuer, for callers that have no token. */
  readonly issuer: string;
  /** Whether anybody may read the operations of the public page. */
  readonly hasPublicPage: boolean;
  /** Whether the service reads the session of a caller itself, which is newer than the token. Only identity does. */
  readonly readsSessions?: boolean;
}

/** An authenticator that fetches its keys. */
export interface CheckedAuthenticator extends Authenticator {
  /** Resolves when tokens can be verified. Fetches the keys if there are none. */
  readonly checkKeys: HealthCheck;
}

const DEFAULT_PUBLIC_URL = 'http://127.0.0.1:8080';
const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** The variables that every service reads to verify tokens. */
export interface AccessConfig {
  readonly DAYBOOK_DATA: string;
  readonly DAYBOOK_PUBLIC_URL?: string;
  readonly DAYBOOK_IDENTITY_KEY?: string;
  readonly DAYBOOK_PUBLIC_PAGE?: 'on' | 'off';
}

/**
 * Returns the address by which people reach the gateway.
 * @throws InvalidConfiguration when tokens and passwords would be sent unencrypted
 */
export function publicUrlOf({ DAYBOOK_PUBLIC_URL = DEFAULT_PUBLIC_URL }: { DAYBOOK_PUBLIC_URL?: string }): URL {
  const url = new URL(DAYBOOK_PUBLIC_URL);
  if (url.protocol === 'https:' || LOOPBACK.test(url.hostname)) return url;
  throw new InvalidConfiguration(['DAYBOOK_PUBLIC_URL must be https, because people send passwords to it']);
}

/** Returns the `iss` of all tokens. */
export const issuerOf = (publicUrl: URL): string => `${publicUrl.origin}/identity`;

/**
 * Returns the trust anchor: the configured key, or the one of the data folder.
 * @throws StartFailure 78 when it cannot be used
 */
export async function readIdentityKey({ DAYBOOK_DATA, DAYBOOK_IDENTITY_KEY }: AccessConfig): Promise<VerificationKey> {
  try {
    if (DAYBOOK_IDENTITY_KEY !== undefined) return await parseIdentityKey(DAYBOOK_IDENTITY_KEY);
    await mkdir(DAYBOOK_DATA, { recursive: true, mode: 0o700 });
    return (await prepareRootKey(DAYBOOK_DATA)).verification;
  } catch (error) {
    if (!(error instanceof UnusableSecret)) throw error;
    throw new StartFailure(EXIT.configuration, error.message, { cause: error });
  }
}

/** Logs the first of a series of failures. */
function createFailureLog(logger: Logger): (error: unknown) => void {
  let isFailing = false;
  return (error) => {
    const level = isFailing ? 'debug' : 'warn';
    isFailing = true;
    logger[level]({ reason: error instanceof Error ? error.message : 'unknown' }, 'key set of identity not fetched');
  };
}

/** Returns the keys of identity, fetched from any of its instances and verified with the root key. */
export const createIdentityKeys = (
  identity: Pick<IdentityClient, 'fetchKeySet'>,
  rootKey: VerificationKey,
  logger: Logger,
): Promise<KeySource> =>
  createKeySource({
    fetchKeySet: async (signal) => {
      const text = await identity.fetchKeySet(signal);
      if (text.length > MAX_KEY_SET_LENGTH) throw new Error('the key set is too long');
      return text;
    },
    rootKey,
    clock: systemClock,
    onFailure: createFailureLog(logger),
  });

export interface AuthenticatorOptions {
  /** The service that verifies, which the tokens of other services have to name. */
  readonly audience: string;
  readonly config: AccessConfig;
  readonly identity: Pick<IdentityClient, 'fetchKeySet'>;
  readonly logger: Logger;
}

/**
 * Creates the authenticator of a service. It closes with `resources`.
 * @throws StartFailure 78, InvalidConfiguration
 */
export async function createAuthenticator(
  { audience, config, identity, logger }: AuthenticatorOptions,
  resources: AsyncDisposableStack,
): Promise<CheckedAuthenticator> {
  const issuer = issuerOf(publicUrlOf(config));
  const keys = await createIdentityKeys(identity, await readIdentityKey(config), logger);
  resources.defer(() => keys.stop());
  const verifier = createTokenVerifier({ issuer, audiences: [PERSON_AUDIENCE, audience], keys, clock: systemClock });
  const hasPublicPage = config.DAYBOOK_PUBLIC_PAGE === 'on';
  return { issuer, hasPublicPage, verify: verifier.verify, checkKeys: keys.check };
}
