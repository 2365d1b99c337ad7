/** The signed key set: the public keys that verify tokens, signed by the root key. */
import { publicJwkOf, type RootKey, signKeySet } from '@daybook/access';
import type { Clock } from '@daybook/service';
import type { SigningRing } from './signing-ring.ts';

/** Services keep the last set while identity is away. No internal token lives as long. */
const LIVES_SECONDS = 24 * 60 * 60;

/** Returns a function that signs the present key set. */
export function createKeySetSigner(ring: SigningRing, rootKey: RootKey, clock: Clock): () => Promise<string> {
  return async () => {
    const { current, next, retired } = await ring.read();
    const listed = [...(next ? [next] : []), current, ...retired];
    const iat = Math.floor(clock().epochMilliseconds / 1_000);
    const keys = await Promise.all(listed.map(({ privateJwk }) => publicJwkOf(privateJwk)));
    return signKeySet({ keys, iat, exp: iat + LIVES_SECONDS }, rootKey.signing);
  };
}
