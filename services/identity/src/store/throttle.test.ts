import { describe, expect, it } from 'vitest';
import { openStores } from '../testing.ts';
import type { PasswordAttempt } from './throttle.ts';

async function openThrottle() {
  const { throttle, advance, database } = await openStores();
  const attempt = async (changes: Partial<PasswordAttempt> = {}) =>
    throttle.beginPassword({ loginKey: 'ana@example.org', address: '203.0.113.1', ...changes });
  const fail = async (changes?: Partial<PasswordAttempt>): Promise<number> => {
    const result = await attempt(changes);
    return 'retryAfterSeconds' in result ? result.retryAfterSeconds : 0;
  };
  const succeed = async (changes?: Partial<PasswordAttempt>) => {
    const result = await attempt(changes);
    if ('retryAfterSeconds' in result) throw new Error('the attempt has to wait');
    await result.succeed();
  };
  return { throttle, advance, database, fail, succeed };
}

describe('attempts at an account from one address', () => {
  it('are paused for longer after each failure', async () => {
    const { fail, advance } = await openThrottle();
    for (let count = 0; count < 3; count += 1) expect(await fail()).toBe(0);
    expect(await fail()).toBe(2);
    advance({ seconds: 2 });
    expect(await fail()).toBe(0);
    expect(await fail()).toBe(4);
    for (let count = 0; count < 12; count += 1) {
      advance({ minutes: 15 });
      expect(await fail()).toBe(0);
    }
    expect(await fail()).toBe(15 * 60);
  });

  it('are counted before they are checked, so simultaneous ones do not get through', async () => {
    const { fail } = await openThrottle();
    const waits = await Promise.all(Array.from({ length: 10 }, () => fail()));
    expect(waits.filter((wait) => wait === 0)).toHaveLength(3);
  });

  it('start again after a success', async () => {
    const { fail, succeed } = await openThrottle();
    await fail();
    await fail();
    await succeed();
    for (let count = 0; count < 3; count += 1) expect(await fail()).toBe(0);
    expect(await fail()).toBe(2);
  });

  it('are forgotten after an hour', async () => {
    const { fail, advance } = await openThrottle();
    for (let count = 0; count < 3; count += 1) await fail();
    advance({ hours: 1 });
    for (let count = 0; count < 3; count += 1) expect(await fail()).toBe(0);
  });
});

describe('a stranger who fails many times at an account', () => {
  it('does not pause its owner at another address', async () => {
    const { fail, succeed } = await openThrottle();
    for (let n = 0; n < 200; n += 1) await fail({ address: `198.51.100.${n}` });
    await succeed({ address: '203.0.113.9' });
  });

  it('does not pause its owner at the same address in a browser that has signed in before', async () => {
    const { fail, succeed } = await openThrottle();
    for (let n = 0; n < 10; n += 1) await fail();
    expect(await fail()).toBeGreaterThan(0);
    await succeed({ deviceId: 'of the owner' });
  });

  it('gets one attempt from each further address', async () => {
    const { fail } = await openThrottle();
    for (let n = 0; n < 50; n += 1) await fail({ address: `198.51.100.${n}` });
    const address = '192.0.2.1';
    expect([await fail({ address }), await fail({ address })]).toEqual([0, 2]);
  });
});

describe('attempts from one address at many accounts', () => {
  it('are paused after 30 failures', async () => {
    const { fail } = await openThrottle();
    for (let n = 0; n < 30; n += 1) expect(await fail({ loginKey: `person${n}@example.org` })).toBe(0);
    expect(await fail({ loginKey: 'another@example.org' })).toBe(2);
    expect(await fail({ loginKey: 'another@example.org', address: '192.0.2.1' })).toBe(0);
  });

  it('are not forgiven by the success of an attacker with an account of his own', async () => {
    const { fail, succeed, advance } = await openThrottle();
    for (let n = 0; n < 30; n += 1) await fail({ loginKey: `person${n}@example.org` });
    advance({ seconds: 2 });
    await succeed({ loginKey: 'attacker@example.org' });
    expect(await fail({ loginKey: 'next@example.org' })).toBe(0);
    expect(await fail({ loginKey: 'one-more@example.org' })).toBe(4);
  });
});

it('a browser that has signed in before is paused by its own failures', async () => {
  const { fail } = await openThrottle();
  for (let n = 0; n < 10; n += 1) expect(await fail({ deviceId: 'own' })).toBe(0);
  expect(await fail({ deviceId: 'own' })).toBe(2);
});

it('codes of an account are paused after ten failures', async () => {
  const { throttle } = await openThrottle();
  for (let n = 0; n < 10; n += 1) expect(await throttle.beginCode('account')).not.toHaveProperty('retryAfterSeconds');
  expect(await throttle.beginCode('account')).toEqual({ retryAfterSeconds: 2 });
});

it('the table names no account and no address', async () => {
  const { fail, database } = await openThrottle();
  await fail();
  const rows = await database.read((db) => db.selectFrom('throttles').selectAll().execute());
  expect(rows).toHaveLength(3);
  for (const { key_hash } of rows) expect(Buffer.from(key_hash).toString('latin1')).not.toMatch(/ana|203/);
});
