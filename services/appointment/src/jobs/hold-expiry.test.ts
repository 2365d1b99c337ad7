import { MINUTE } from '@daybook/contracts';
import { type Database, idFromBytes, idToBytes, newId, openDatabase } from '@daybook/database';
import { cleanDatabase, databaseKind } from '@daybook/testing/databases';
import { describe, expect, it, onTestFinished } from 'vitest';
import { migrations } from '../../migrations/index.ts';
import { CELL_MILLIS } from '../domain/slots/grid.ts';
import type { AppointmentTables, HoldRow } from '../store/tables.ts';
import { createHoldSweep } from './hold-expiry.ts';

const NOW = Temporal.Instant.from('2026-11-02T08:00:00.000Z');
const clock = () => NOW;
const HALF_HOUR = 30 * MINUTE;
const STEP = 100;

/** Opens a database with holds, each with the six cells of its time. */
async function openWithHolds(runOut: number, live: number) {
  const database = await openDatabase<AppointmentTables>(await cleanDatabase('appointment'), migrations);
  onTestFinished(() => database.close());
  const doctor_id = idToBytes(newId());
  const holds = Array.from({ length: runOut + live }, (_, index): HoldRow => {
    const starts_at = NOW.epochMilliseconds + index * HALF_HOUR;
    const expires_at = NOW.epochMilliseconds + (index < runOut ? 0 : 1);
    const times = { starts_at, ends_at: starts_at + HALF_HOUR, expires_at };
    return {
      id: idToBytes(newId()),
      doctor_id,
      appointment_type_id: doctor_id,
      ...times,
      caller_id: 'ana',
      ordinal: null,
    };
  });
  await database.write(async (tx) => {
    for (const { id, starts_at, expires_at } of holds) {
      const cells = Array.from({ length: 6 }, (_, cell) => starts_at / CELL_MILLIS + cell);
      const of = { resource_id: doctor_id, seat: 0, appointment_type_id: doctor_id, holder_id: id, expires_at };
      await tx
        .insertInto('reservations')
        .values(cells.map((cell) => ({ ...of, cell })))
        .execute();
    }
    await tx.insertInto('holds').values(holds).execute();
  });
  return { database, holds };
}

const countsIn = (database: Database<AppointmentTables>) =>
  database.read(async (db) => ({
    holds: (await db.selectFrom('holds').select('id').execute()).length,
    cells: (await db.selectFrom('reservations').select('cell').execute()).length,
  }));

describe('clearing holds', () => {
  it('takes those that have run out, with their time, a hundred at once, and no others', async () => {
    const { database } = await openWithHolds(STEP + 7, 5);
    expect(await createHoldSweep(database, clock)()).toBe(STEP);
    expect(await countsIn(database)).toEqual({ holds: 12, cells: 72 });
    expect(await createHoldSweep(database, clock)()).toBe(7);
    expect(await countsIn(database)).toEqual({ holds: 5, cells: 30 });
    expect(await createHoldSweep(database, clock)()).toBe(0);
  });

  it.skipIf(databaseKind === 'sqlite')(
    'does not wait for a transaction that has locked a hold, by a clock that is behind',
    async () => {
      const { database, holds } = await openWithHolds(3, 0);
      const [used] = holds;
      const id = used?.id ?? new Uint8Array();
      await database.write(async (tx) => {
        await tx.selectFrom('holds').select('id').where('id', '=', id).forUpdate().execute();
        expect(await createHoldSweep(database, clock)()).toBe(2);
      });
      const left = await database.read((db) => db.selectFrom('holds').select('id').execute());
      expect(left.map((row) => idFromBytes(row.id))).toEqual([idFromBytes(id)]);
    },
  );
});
