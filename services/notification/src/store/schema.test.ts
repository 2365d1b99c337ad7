import { asSharedDatabase, openDatabase } from '@daybook/database';
import { shapeOf } from '@daybook/database/testing/schema-shape';
import { freshDatabase } from '@daybook/testing/databases';
import { expect, it, onTestFinished } from 'vitest';
import { migrations } from '../../migrations/index.ts';

it('the tables, keys and indexes are the same on every database', async () => {
  const databases = [
    await openDatabase('sqlite::memory:', migrations),
    await openDatabase(await freshDatabase(), migrations),
  ];
  onTestFinished(async () => void (await Promise.all(databases.map((database) => database.close()))));
  const [expected, found] = await Promise.all(databases.map((database) => shapeOf(asSharedDatabase(database))));
  expect(found).toEqual(expected);
  expect(Object.keys(found ?? {})).toContain('messages');
});
