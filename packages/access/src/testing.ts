/** For tests, of other packages too: a clock to set, and an issuer with a root key and a signing key of its own. */
import type { AccessTokenClaims } from './access-token.ts';
import { PERSON_AUDIENCE, signAccessToken } from './access-token.ts';
import type { Clock } from './clock.ts';
import {
  generatePrivateJwk,
  importSigningKey,
  importVerificationKey,
  type PublicJwk,
  publicJwkOf,
  type SigningKey,
  type VerificationKey,
} from './key-pair.ts';
import { type KeySetPayload, signKeySet } from './key-set.ts';

export const TEST_ISSUER = 'https://daybook.example/identity';
export const TEST_ACCOUNT_ID = '019c2f5e-0000-7000-8000-000000000001';
const START = Temporal.Instant.from('2026-12-01T09:00:00Z');

export interface TestClock {
  readonly clock: Clock;
  /** Returns seconds since 1970, as claims have them. */
  readonly nowSeconds: () => number;
  readonly advance: (millis: number) => void;
}

export function createTestClock(): TestClock {
  let millis = START.epochMilliseconds;
  return {
    clock: () => Temporal.Instant.fromEpochMilliseconds(millis),
    nowSeconds: () => Math.floor(millis / 1_000),
    advance(by) {
      millis += by;
    },
  };
}

export interface TestKey {
  readonly signing: SigningKey;
  readonly verification: VerificationKey;
  readonly publicJwk: PublicJwk;
}

export async function createTestKey(): Promise<TestKey> {
  const jwk = await generatePrivateJwk();
  return {
    signing: await importSigningKey(jwk),
    verification: await importVerificationKey(jwk),
    publicJwk: await publicJwkOf(jwk),
  };
}

export interface TestIssuer {
  readonly rootKey: TestKey;
  readonly key: TestKey;
  /** Returns the claims of a patient's token of 5 minutes, with changes. */
  readonly claims: (changes?: Partial<AccessTokenClaims>) => AccessTokenClaims;
  /** Returns a signed token with these claims. */
  readonly sign: (changes?: Partial<AccessTokenClaims>) => Promise<string>;
  /** Returns a signed key set of one day. */
  readonly signKeySet: (changes?: Partial<KeySetPayload>) => Promise<string>;
}

/** Returns an issuer with new keys. */
export async function createTestIssuer({ nowSeconds }: Pick<TestClock, 'nowSeconds'>): Promise<TestIssuer> {
  const rootKey = await createTestKey();
  const key = await createTestKey();
  let issued = 0;

  function claims(changes: Partial<AccessTokenClaims> = {}): AccessTokenClaims {
    const iat = nowSeconds();
    issued += 1;
    return {
      iss: TEST_ISSUER,
      aud: PERSON_AUDIENCE,
      sub: TEST_ACCOUNT_ID,
      client_id: 'web',
      iat,
      exp: iat + 300,
      jti: `token-${issued}`,
      role: 'patient',
      ...changes,
    };
  }

  return {
    rootKey,
    key,
    claims,
    sign: (changes) => signAccessToken(claims(changes), key.signing),
    signKeySet: (changes) => {
      const iat = nowSeconds();
      return signKeySet({ keys: [key.publicJwk], iat, exp: iat + 86_400, ...changes }, rootKey.signing);
    },
  };
}

/** A source with fixed keys, which never fetches. */
export function createFixedKeySource(keys: readonly VerificationKey[]) {
  const known = new Map(keys.map(({ keyId, publicKey }) => [keyId, publicKey]));
  return {
    peek: (keyId: string) => known.get(keyId),
    find: async (keyId: string) => known.get(keyId),
    stop: async () => undefined,
  };
}
