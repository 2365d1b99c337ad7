import { expect, it } from 'vitest';
import { newAccount, openStores } from '../testing.ts';

async function openLinks() {
  const stores = await openStores();
  const { id: accountId } = await stores.accounts.create(newAccount({ status: 'invited' }));
  const target = { purpose: 'invitation', accountId } as const;
  const use = (token: string) => stores.database.write((tx) => stores.links.useIn(tx, token));
  return { ...stores, target, use, token: await stores.links.create(target) };
}

it('a link is used once, also when it is used simultaneously', async () => {
  const { links, target, use, token } = await openLinks();
  expect(await links.find(token)).toEqual(target);
  const used = await Promise.all(Array.from({ length: 6 }, () => use(token)));
  expect(used.filter((one) => one !== undefined)).toEqual([target]);
  expect(await links.find(token)).toBeUndefined();
});

it('a link is not in the table, and its hash opens nothing', async () => {
  const { links, database, token } = await openLinks();
  const [row] = await database.read((db) => db.selectFrom('one_time_links').selectAll().execute());
  expect(JSON.stringify(row)).not.toContain(token);
  expect(await links.find(Buffer.from(row?.token_hash ?? []).toString('base64url'))).toBeUndefined();
});

it('a link ends after 72 hours', async () => {
  const { links, use, token, advance } = await openLinks();
  advance({ hours: 71, minutes: 59 });
  expect(await links.find(token)).toBeDefined();
  advance({ minutes: 1 });
  expect([await links.find(token), await use(token)]).toEqual([undefined, undefined]);
});

it('a link ends after five wrong entries', async () => {
  const { links, use, target, token } = await openLinks();
  for (let count = 0; count < 4; count += 1) await links.countFailure(token);
  expect(await links.exists(target)).toBe(true);
  await links.countFailure(token);
  expect([await links.find(token), await use(token), await links.exists(target)]).toEqual([
    undefined,
    undefined,
    false,
  ]);
});

it('a new link replaces an older one for the same account and purpose', async () => {
  const { links, target, token } = await openLinks();
  const recovery = await links.create({ ...target, purpose: 'recovery' });
  const renewed = await links.create(target);
  expect([await links.find(token), await links.find(renewed), await links.find(recovery)]).toEqual([
    undefined,
    target,
    { ...target, purpose: 'recovery' },
  ]);
});

it('there is one link for the first administrator, also when two processes make one', async () => {
  const { links } = await openLinks();
  const tokens = await Promise.allSettled(
    Array.from({ length: 4 }, () => links.create({ purpose: 'first-administrator' })),
  );
  const made = tokens.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const found = await Promise.all(made.map((token) => links.find(token)));
  expect(found.filter((one) => one !== undefined)).toHaveLength(1);
});
