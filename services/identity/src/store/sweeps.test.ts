import { expect, it } from 'vitest';
import { newAccount, openStores } from '../testing.ts';
import { createSweeps } from './sweeps.ts';

it('everything that has an end is swept after it', async () => {
  const { database, clock, advance, accounts, sessions, pending, links, throttle } = await openStores();
  const account = await accounts.create(newAccount());
  const id = await sessions.start({ account, methods: ['pwd'], device: 'Firefox' });
  const found = await sessions.find(id, { isActive: false });
  await sessions.attachOidc('uid', found?.session.handle ?? '');
  await pending.begin(account.id);
  await links.create({ purpose: 'recovery', accountId: account.id });
  await throttle.beginCode(account.id);
  const count = async () => {
    const tables = ['sessions', 'oidc_sessions', 'pending_sign_ins', 'one_time_links', 'throttles'] as const;
    return Promise.all(
      tables.map((table) => database.read(async (db) => (await db.selectFrom(table).selectAll().execute()).length)),
    );
  };
  const sweepAll = async () => {
    for (const sweep of createSweeps(database, clock)) while ((await sweep()) > 0);
  };
  await sweepAll();
  expect(await count()).toEqual([1, 1, 1, 1, 1]);
  advance({ hours: 73 });
  await sweepAll();
  expect(await count()).toEqual([0, 0, 0, 0, 0]);
});
