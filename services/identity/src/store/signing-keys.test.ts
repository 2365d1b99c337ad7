import { parseSealingKey } from '@daybook/access';
import { describe, expect, it } from 'vitest';
import { openStores, testSealingKey } from '../testing.ts';
import { createSigningKeyStore, requireRing } from './signing-keys.ts';

async function openKeys() {
  const { database, clock, advance, signingKeys } = await openStores();
  const ring = async () => requireRing(await signingKeys.load(), clock().epochMilliseconds);
  return { database, clock, advance, signingKeys, ring };
}

describe('signing keys', () => {
  it('are made once by processes that start simultaneously', async () => {
    const { database, clock } = await openKeys();
    const stores = Array.from({ length: 4 }, () => createSigningKeyStore(database, clock, testSealingKey()));
    const loaded = await Promise.all(stores.map((store) => store.load()));
    const ids = loaded.map((keys) => keys.map(({ keyId }) => keyId).join());
    expect(new Set(ids).size).toBe(1);
    expect(loaded[0]).toHaveLength(2);
  });

  it('are stored sealed, and only the right sealing key opens them', async () => {
    const { database, clock, signingKeys } = await openKeys();
    const [{ privateJwk } = { privateJwk: { d: '' } }] = await signingKeys.load();
    const rows = await database.read((db) => db.selectFrom('signing_keys').selectAll().execute());
    expect(JSON.stringify(rows)).not.toContain(privateJwk.d);
    const other = createSigningKeyStore(database, clock, parseSealingKey(Buffer.alloc(32, 8).toString('base64url')));
    await expect(other.load()).rejects.toMatchObject({ fault: 'other-key' });
  });

  it('are published at least a day before they sign', async () => {
    const { database, advance, ring } = await openKeys();
    await ring();
    // Nothing runs for a long time, and then comes back.
    for (const days of [1, 30, 90, 31, 31]) {
      advance({ days });
      await ring();
    }
    const rows = await database.read((db) => db.selectFrom('signing_keys').selectAll().orderBy('generation').execute());
    expect(rows.length).toBeGreaterThan(3);
    for (const { published_at, signs_from } of rows.slice(1)) {
      expect(signs_from - published_at).toBeGreaterThanOrEqual(24 * 60 * 60_000);
    }
  });

  it('sign in turn, and stay listed for a day after that', async () => {
    const { advance, ring, signingKeys } = await openKeys();
    const first = await ring();
    advance({ days: 30 });
    const second = await ring();
    expect(second.current.keyId).toBe(first.next?.keyId);
    expect(second.retired.map(({ keyId }) => keyId)).toEqual([first.current.keyId]);
    expect(await signingKeys.sweep()).toBe(0);
    advance({ days: 1 });
    const third = await ring();
    expect(third).toMatchObject({ current: { keyId: second.current.keyId }, retired: [] });
    expect(await signingKeys.sweep()).toBe(1);
    expect(await signingKeys.sweep()).toBe(0);
  });

  it('rotate early, and drop a compromised one immediately', async () => {
    const { ring, signingKeys, advance } = await openKeys();
    const before = await ring();
    await signingKeys.rotate({ isCompromised: false });
    advance({ seconds: 1 });
    const rotated = await ring();
    expect(rotated.current.keyId).toBe(before.next?.keyId);
    expect(rotated.retired).toHaveLength(1);
    await signingKeys.rotate({ isCompromised: true });
    advance({ seconds: 1 });
    const safe = await ring();
    expect(safe.current.keyId).toBe(rotated.next?.keyId);
    expect(safe.retired).toEqual([]);
  });
});
