/** Verifies access tokens: signature, issuer, audience, times, claims. */
import type { VerifiedCaller } from '@daybook/contracts';
import {
  ACCESS_TOKEN_TYPE,
  type AccessTokenClaims,
  callerOf,
  isAccessTokenClaims,
  MAX_LIFETIME_SECONDS,
  MAX_TOKEN_LENGTH,
} from './access-token.ts';
import { CLOCK_TOLERANCE_SECONDS, type Clock } from './clock.ts';
import { InvalidAccessToken, type TokenFault } from './invalid-access-token.ts';
import type { KeySource } from './key-source.ts';
import { InvalidJws, verifyJws } from './strict-jws.ts';
import { type VerifiedToken, VerifiedTokens } from './verified-tokens.ts';

export { InvalidAccessToken, type TokenFault } from './invalid-access-token.ts';

/** About 10,000 tokens of usual length. */
const MAX_CACHED_CHARACTERS = 8 * 1024 * 1024;
/** RFC 9068, section 4: with or without the prefix. */
const TYPES = [ACCESS_TOKEN_TYPE, `application/${ACCESS_TOKEN_TYPE}`];

export interface TokenVerifierOptions {
  /** The only accepted `iss`. */
  readonly issuer: string;
  /** The accepted `aud`: `PERSON_AUDIENCE`, and the id of the service that verifies. */
  readonly audiences: readonly string[];
  readonly keys: Pick<KeySource, 'find' | 'peek'>;
  readonly clock: Clock;
  /** The most characters of all remembered tokens. */
  readonly maxCachedCharacters?: number;
}

export interface TokenVerifier {
  /**
   * Returns the caller of a token that was verified before and is still valid. Undefined for every other token, which
   * `verify` decides about. It never waits, for callers that handle many requests with few tokens.
   */
  peek(token: string): VerifiedCaller | undefined;
  /**
   * Returns the caller that a token names. A verified token is remembered until it expires, or until its key is no
   * longer in the key set.
   * @throws InvalidAccessToken
   * @throws KeySetUnavailable when it cannot know, because it has no key set
   */
  verify(token: string): Promise<VerifiedCaller>;
}

type Expectations = Pick<TokenVerifierOptions, 'issuer' | 'audiences'>;

function findFault(claims: AccessTokenClaims, expected: Expectations, nowMillis: number): TokenFault | undefined {
  const latestMillis = nowMillis + CLOCK_TOLERANCE_SECONDS * 1_000;
  if (claims.iss !== expected.issuer) return 'issuer';
  if (!expected.audiences.includes(claims.aud)) return 'audience';
  if (nowMillis >= claims.exp * 1_000) return 'expired';
  if (claims.iat * 1_000 > latestMillis || (claims.nbf ?? 0) * 1_000 > latestMillis) return 'not-yet-valid';
  if (claims.exp - claims.iat > MAX_LIFETIME_SECONDS) return 'lifetime';
  return undefined;
}

export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const { keys, clock, maxCachedCharacters = MAX_CACHED_CHARACTERS } = options;
  const verified = new VerifiedTokens(maxCachedCharacters);
  /** Requests with the same token share one verification. Holds no more than the requests that wait. */
  const pending = new Map<string, Promise<VerifiedCaller>>();
  const expectations = { types: TYPES, maxLength: MAX_TOKEN_LENGTH, findKey: keys.find };

  async function readToken(token: string): Promise<VerifiedToken> {
    const { payload, keyId } = await verifyJws(token, expectations);
    if (!isAccessTokenClaims(payload)) throw new InvalidAccessToken('claims');
    const fault = findFault(payload, options, clock().epochMilliseconds);
    if (fault) throw new InvalidAccessToken(fault);
    return { caller: callerOf(payload), keyId, expiresAtMillis: payload.exp * 1_000 };
  }

  async function verifyNew(token: string): Promise<VerifiedCaller> {
    try {
      const read = await readToken(token);
      verified.remember(token, read);
      return read.caller;
    } catch (error) {
      throw error instanceof InvalidJws ? new InvalidAccessToken(error.fault, { cause: error }) : error;
    } finally {
      pending.delete(token);
    }
  }

  function peek(token: string): VerifiedCaller | undefined {
    // Before anything reads it: a map would hash the whole text.
    if (token.length > MAX_TOKEN_LENGTH) return undefined;
    const known = verified.find(token, clock().epochMilliseconds);
    return known && keys.peek(known.keyId) ? known.caller : undefined;
  }

  return {
    peek,
    async verify(token) {
      if (token.length > MAX_TOKEN_LENGTH) throw new InvalidAccessToken('too-long');
      const known = peek(token);
      if (known) return known;
      const running = pending.get(token) ?? verifyNew(token);
      pending.set(token, running);
      return running;
    },
  };
}
