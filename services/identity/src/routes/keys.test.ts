import { verifyKeySet } from '@daybook/access';
import { createTestKey } from '@daybook/access/testing';
import { expect, it } from 'vitest';
import { startIdentity } from '../testing.ts';

it('the key set is signed by the root key, and lists the current and the next key', async () => {
  const { baseUrl, rootKey, clock, signingKeys } = await startIdentity();
  const response = await fetch(new URL('/identity/keys', baseUrl));
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/jwk-set+jwt']);
  const text = await response.text();
  const now = clock().epochMilliseconds;
  const { keys, expiresAtMillis } = await verifyKeySet(text, rootKey.verification, now);
  expect([...keys.keys()].sort()).toEqual((await signingKeys.load()).map(({ keyId }) => keyId).sort());
  expect(expiresAtMillis - now).toBeGreaterThan(23 * 60 * 60_000);
  const other = await createTestKey();
  await expect(verifyKeySet(text, other.verification, now)).rejects.toMatchObject({ fault: 'signature' });
});

it('the key set lists the next key at least a day before it signs, and a retired one for a day', async () => {
  const { baseUrl, rootKey, clock, advance } = await startIdentity();
  const list = async () => {
    const text = await (await fetch(new URL('/identity/keys', baseUrl))).text();
    return [...(await verifyKeySet(text, rootKey.verification, clock().epochMilliseconds)).keys.keys()];
  };
  const first = await list();
  advance({ days: 30 });
  const second = await list();
  expect(second).toHaveLength(3);
  for (const id of first) expect(second).toContain(id);
  advance({ days: 1 });
  expect(await list()).toHaveLength(2);
});
