import { asSharedDatabase, openDatabase } from '@daybook/database';
import { shapeOf } from '@daybook/database/testing/schema-shape';
import { freshDatabase } from '@daybook/testing/databases';
import { describe, expect, it, onTestFinished } from 'vitest';
import { migrations } from '../../migrations/index.ts';
import { newAccount, openStores } from '../testing.ts';

it('the tables, keys and indexes are the same on every database', async () => {
  const databases = [
    await openDatabase('sqlite::memory:', migrations),
    await openDatabase(await freshDatabase(), migrations),
  ];
  onTestFinished(async () => void (await Promise.all(databases.map((database) => database.close()))));
  const [expected, found] = await Promise.all(databases.map((database) => shapeOf(asSharedDatabase(database))));
  expect(found).toEqual(expected);
  expect(Object.keys(found ?? {})).toContain('accounts');
});

describe('the database rejects', () => {
  it.each([
    ['a role that is not one of a person', { role: 'service' }],
    ['an unknown status', { status: 'locked' }],
    ['a doctor id of an account that is not of a doctor', { doctor_id: Buffer.alloc(16, 1) }],
  ])('%s', async (_what, change) => {
    const { database, accounts } = await openStores();
    await accounts.create(newAccount());
    // As another program would write it, whatever our types are.
    const update = database.write((tx) =>
      tx
        .updateTable('accounts')
        .set(change as object)
        .execute(),
    );
    await expect(update).rejects.toThrow();
  });

  it('a link of an account without the account', async () => {
    const { database, links } = await openStores();
    await links.create({ purpose: 'first-administrator' });
    const update = database.write((tx) => tx.updateTable('one_time_links').set({ purpose: 'recovery' }).execute());
    await expect(update).rejects.toThrow();
  });
});
