/**
 * Signs places of the audit chain with the root key. A head proves that the chain had an entry; a checkpoint permits that
 * the entries up to it are missing. Their types differ, so a head never passes for a checkpoint.
 */
import { type SigningKey, signJws, type VerificationKey, verifyJws } from '@daybook/access';
import { createParser } from '@daybook/service';
import { Type } from 'typebox';
import type { ChainPlace } from '../store/audit-chain.ts';
import type { SignedHead } from '../store/audit-verification.ts';

const TYPES = { head: 'audit-head+jwt', checkpoint: 'audit-checkpoint+jwt' } as const;
export type SealKind = keyof typeof TYPES;

const MAX_LENGTH = 1_024;

const Payload = Type.Object({
  position: Type.Integer({ minimum: 1 }),
  hash: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  /** When it was signed. */
  at: Type.String(),
});
const parsePayload = createParser(Payload);

export const signPlace = (
  kind: SealKind,
  { position, hash }: ChainPlace,
  at: Temporal.Instant,
  key: SigningKey,
): Promise<string> =>
  signJws({ position, hash: Buffer.from(hash).toString('hex'), at: at.toString() }, TYPES[kind], key);

/**
 * Returns a signed place. `keys` are the present root key, and former ones.
 * @throws InvalidJws; Error when a root key signed something else under this type
 */
export async function readPlace(kind: SealKind, text: string, keys: readonly VerificationKey[]): Promise<SignedHead> {
  const { payload } = await verifyJws(text, {
    types: [TYPES[kind]],
    maxLength: MAX_LENGTH,
    findKey: async (kid) => keys.find(({ keyId }) => keyId === kid)?.publicKey,
  });
  const { position, hash, at } = parsePayload(payload);
  return { position, hash: Buffer.from(hash, 'hex'), at };
}
