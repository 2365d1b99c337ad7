import { expect, it } from 'vitest';
import { newAccount, openStores } from '../testing.ts';
import { createPasskeyStore, MAX_PASSKEYS } from './passkeys.ts';

async function openPasskeys() {
  const { database, clock, accounts } = await openStores();
  const { id: accountId } = await accounts.create(newAccount());
  const passkeys = createPasskeyStore(database, clock);
  const add = (credentialId: string, signCount = 0) =>
    passkeys.add({ credentialId, accountId, publicKey: 'key', signCount, label: 'Phone' });
  return { passkeys, accountId, add };
}

it('a passkey is registered once, whatever the length of its id', async () => {
  const { passkeys, accountId, add } = await openPasskeys();
  const long = 'c'.repeat(1_364);
  await add(long);
  await expect(add(long)).rejects.toMatchObject({ code: 'name-taken' });
  expect(await passkeys.find(long)).toMatchObject({ accountId, credentialId: long, label: 'Phone' });
});

it('a passkey with a counter is accepted only while the counter rises', async () => {
  const { passkeys, add } = await openPasskeys();
  await add('one', 4_294_967_290);
  expect(await passkeys.use('one', 4_294_967_291)).toBe(true);
  expect(await passkeys.use('one', 4_294_967_291)).toBe(false);
  expect(await passkeys.use('one', 0)).toBe(false);
});

it('a passkey without a counter is accepted each time', async () => {
  const { passkeys, add } = await openPasskeys();
  await add('one');
  expect([await passkeys.use('one', 0), await passkeys.use('one', 0)]).toEqual([true, true]);
});

it('an account has a limited number of passkeys, and removes its own only', async () => {
  const { passkeys, accountId, add } = await openPasskeys();
  for (let count = 0; count < MAX_PASSKEYS; count += 1) await add(`key ${count}`);
  await expect(add('one more')).rejects.toMatchObject({ code: 'invalid-request' });
  expect(await passkeys.remove('019c2f5e-0000-7000-8000-000000000001', 'key 0')).toBe(false);
  expect(await passkeys.remove(accountId, 'key 0')).toBe(true);
  expect(await passkeys.list(accountId)).toHaveLength(MAX_PASSKEYS - 1);
});
