/** Measures the verification of access tokens, with the cache and without it. A few seconds. */
import { type AccessTokenClaims, createTokenVerifier, PERSON_AUDIENCE, type TokenVerifier } from '@daybook/access';
import { createFixedKeySource, createTestClock, createTestIssuer, TEST_ISSUER } from '@daybook/access/testing';
import { newId } from '@daybook/database';
import { formatMeasured, type Measured, measure } from './load.ts';

const TOKENS = 1_000;
const WARM_UP = 500;
const VERIFICATIONS = 5_000;
const CACHED_VERIFICATIONS = 200_000;
const IN_FLIGHT = 16;

/** A patient's token with few patients, as most are, and the largest one. */
const sizes: Readonly<Record<string, () => Partial<AccessTokenClaims>>> = {
  '2 patients': () => ({ sub: newId(), patient_ids: [newId(), newId()] }),
  '50 patients': () => ({ sub: newId(), patient_ids: Array.from({ length: 50 }, () => newId()) }),
};

interface AccessFigures {
  readonly tokenLength: number;
  readonly uncached: Measured;
  readonly cached: Measured;
}

async function measureAccess(changes: () => Partial<AccessTokenClaims>): Promise<AccessFigures> {
  const { clock, nowSeconds } = createTestClock();
  const issuer = await createTestIssuer({ nowSeconds });
  const tokens = await Promise.all(Array.from({ length: TOKENS }, () => issuer.sign(changes())));
  const options = {
    issuer: TEST_ISSUER,
    audiences: [PERSON_AUDIENCE],
    keys: createFixedKeySource([issuer.key.verification]),
    clock,
  };
  // Copies the token, as each request brings its own: a string that was used as a key before has its hash ready.
  const verifyNth = (verifier: TokenVerifier) => async (n: number) => {
    await verifier.verify(Buffer.from(tokens[n % TOKENS] ?? '', 'latin1').toString('latin1'));
  };
  const uncached = verifyNth(createTokenVerifier({ ...options, maxCachedCharacters: 0 }));
  const cached = verifyNth(createTokenVerifier(options));
  await measure(WARM_UP, IN_FLIGHT, uncached);
  await measure(TOKENS, IN_FLIGHT, cached);
  return {
    tokenLength: tokens[0]?.length ?? 0,
    uncached: await measure(VERIFICATIONS, IN_FLIGHT, uncached),
    cached: await measure(CACHED_VERIFICATIONS, 1, cached),
  };
}

export async function reportAccess(line: (name: string, value: string) => void): Promise<void> {
  for (const [name, changes] of Object.entries(sizes)) {
    const { tokenLength, uncached, cached } = await measureAccess(changes);
    const size = `${name}, ${tokenLength} characters`;
    line(`access tokens verified, ${size}`, formatMeasured(uncached));
    line(
      'the same from the cache',
      `${cached.perSecond.toFixed(0)}/s   p50 ${(cached.p50Millis * 1_000).toFixed(1)} µs   p99 ${(cached.p99Millis * 1_000).toFixed(1)} µs`,
    );
  }
}

if (import.meta.main) await reportAccess((name, value) => console.log(`${name.padEnd(58)}${value}`));
