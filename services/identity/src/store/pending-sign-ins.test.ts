import { expect, it } from 'vitest';
import { newAccount, openStores } from '../testing.ts';

async function openPending() {
  const stores = await openStores();
  const account = await stores.accounts.create(newAccount({ role: 'doctor' }));
  return { ...stores, account, id: await stores.pending.begin(account.id) };
}

it('a pending sign-in allows five attempts, also simultaneous ones', async () => {
  const { pending, account, id } = await openPending();
  expect(await pending.find(id)).toMatchObject({ id: account.id });
  const tries = await Promise.all(Array.from({ length: 8 }, () => pending.takeTry(id)));
  expect(tries.filter((one) => one !== undefined)).toHaveLength(5);
  expect(await pending.find(id)).toBeUndefined();
});

it('a pending sign-in is finished by one of several requests', async () => {
  const { pending, id } = await openPending();
  const finished = await Promise.all(Array.from({ length: 5 }, () => pending.finish(id)));
  expect(finished.filter(Boolean)).toHaveLength(1);
});

it('a pending sign-in ends after ten minutes, and with its account', async () => {
  const { pending, accounts, account, id, advance } = await openPending();
  const another = await pending.begin(account.id);
  await accounts.setStatus(account.id, 'disabled');
  expect(await pending.takeTry(another)).toBeUndefined();
  await accounts.setStatus(account.id, 'active');
  const third = await pending.begin(account.id);
  advance({ minutes: 10 });
  expect([await pending.find(id), await pending.find(third), await pending.takeTry(third)]).toEqual(
    Array(3).fill(undefined),
  );
});

it('an account has a limited number of pending sign-ins', async () => {
  const { pending, database, account } = await openPending();
  for (let count = 0; count < 45; count += 1) await pending.begin(account.id);
  const rows = await database.read((db) => db.selectFrom('pending_sign_ins').select('tries_left').execute());
  expect(rows.length).toBeLessThanOrEqual(20);
});
