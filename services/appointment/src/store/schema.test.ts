import { openDatabase, sharedView } from '@daybook/database';
import { freshDatabase } from '@daybook/testing/databases';
import { shapeOf } from '@daybook/testing/shape';
import { expect, it, onTestFinished } from 'vitest';
import { migrations } from '../../migrations/index.ts';

it('the tables, keys and indexes are the same on every database', async () => {
  const databases = [
    await openDatabase('sqlite::memory:', migrations),
    await openDatabase(await freshDatabase(), migrations),
  ];
  onTestFinished(async () => void (await Promise.all(databases.map((database) => database.close()))));
  const [expected, found] = await Promise.all(databases.map((database) => shapeOf(sharedView(database))));
  expect(found).toEqual(expected);
  expect(Object.keys(found ?? {})).toContain('appointments');
});
