/** Checks by query plans that keys and sweeps find their rows through an index. */

import { expect, it } from 'vitest';
import { asSharedDatabase, type Database } from './database.ts';
import { sweep } from './housekeeping.ts';
import { idToBytes, newId } from './id.ts';
import { findStoredResponse, insertStoredResponse } from './idempotency.ts';
import { openObserved } from './testing/query-plans.ts';
import { type NoteTables, noteMigrations } from './testing.ts';

const ROWS = 4000;
const response = { fingerprint: new Uint8Array([1]), status: 201, headers: {}, body: '' };

/** One of fifty has expired. */
const timeOf = (index: number): number =>
  Temporal.Now.instant().subtract({ hours: index % 50 === 0 ? 24 * 40 : 1 }).epochMilliseconds;

async function fill(database: Database<NoteTables>): Promise<void> {
  const indexes = [...Array(ROWS).keys()];
  await database.write(async (tx) => {
    for (let from = 0; from < ROWS; from += 500) {
      const some = indexes.slice(from, from + 500);
      const keys = some.map((n) => ({
        ...response,
        caller_id: `caller${n % 9}`,
        key: `${n}`,
        headers: '{}',
        created_at: timeOf(n),
      }));
      await tx.insertInto('idempotency_keys').values(keys).execute();
      const inbox = some.map((n) => ({
        consumer: `consumer${n % 2}`,
        event_id: idToBytes(newId()),
        handled_at: timeOf(n),
      }));
      await tx.insertInto('inbox').values(inbox).execute();
    }
  });
}

it('no lookup of a key, and no sweep of keys and inbox, reads all that there are', async () => {
  const { database, observed, analyze, count, faults } = await openObserved<NoteTables>(noteMigrations);
  await fill(database);
  await analyze();
  const view: Database = asSharedDatabase(observed);
  await findStoredResponse(view, 'caller1', '1');
  await view.write((tx) => insertStoredResponse(view.dialect, tx, 'caller0', '0', response));
  expect(await sweep(view)).toBeGreaterThan(100);
  expect(count()).toBeGreaterThan(4);
  expect(await faults()).toEqual([]);
});
