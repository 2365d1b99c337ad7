import { DAY, MINUTE } from '@daybook/contracts';
import { type Database, idToBytes, newId, openDatabase } from '@daybook/database';
import { cleanDatabase } from '@daybook/testing/databases';
import { describe, expect, it, onTestFinished } from 'vitest';
import { migrations } from '../../migrations/index.ts';
import type { AppointmentTables, ReservationRow } from '../store/tables.ts';
import { createReservationSweep, RETENTION_DAYS } from './reservation-retention.ts';

/** The real time, because the sweep also reads the clock of the database, which tests cannot set. */
const NOW = Temporal.Now.instant().round({ smallestUnit: 'minute', roundingIncrement: 5, roundingMode: 'floor' });
const now = () => NOW;
const CELL = 5 * MINUTE;
const FIRST_KEPT_CELL = NOW.epochMilliseconds / CELL - (RETENTION_DAYS * DAY) / CELL;

async function open(): Promise<Database<AppointmentTables>> {
  const database = await openDatabase<AppointmentTables>(await cleanDatabase('appointment'), migrations);
  onTestFinished(() => database.close());
  return database;
}

const rowOf = (resource_id: Uint8Array, cell: number, seat = 0): ReservationRow => ({
  resource_id,
  cell,
  seat,
  appointment_type_id: null,
  holder_id: idToBytes(newId()),
  expires_at: null,
});

const insert = (database: Database<AppointmentTables>, rows: readonly ReservationRow[]) =>
  database.write(async (tx) => {
    for (let from = 0; from < rows.length; from += 500) {
      await tx
        .insertInto('reservations')
        .values(rows.slice(from, from + 500))
        .execute();
    }
  });

const cellsIn = async (database: Database<AppointmentTables>) =>
  (await database.read((db) => db.selectFrom('reservations').select('cell').orderBy('cell').execute())).map(
    ({ cell }) => cell,
  );

const people = (count: number) => Array.from({ length: count }, () => idToBytes(newId()));

/** Sweeps until nothing is left to delete. Returns the number of steps. */
async function runOut(sweep: () => Promise<number>): Promise<number> {
  let steps = 1;
  while ((await sweep()) > 0) steps += 1;
  return steps;
}

describe('clearing reservations', () => {
  it('takes the cells that ended more than eight days ago, of doctors and patients, every seat, and no other', async () => {
    const database = await open();
    const rows = people(3).flatMap((person) => [
      rowOf(person, FIRST_KEPT_CELL - 100),
      rowOf(person, FIRST_KEPT_CELL - 1, 0),
      rowOf(person, FIRST_KEPT_CELL - 1, 2),
      rowOf(person, FIRST_KEPT_CELL),
      rowOf(person, FIRST_KEPT_CELL + 100_000),
    ]);
    await insert(database, rows);
    await runOut(createReservationSweep(database, now));
    const staying = [FIRST_KEPT_CELL, FIRST_KEPT_CELL + 100_000];
    expect(await cellsIn(database)).toEqual(staying.flatMap((cell) => [cell, cell, cell]));
  });

  it('deletes those of all participants, however many one has, in steps of a few hundred rows', async () => {
    const database = await open();
    const [many, one] = [people(250), people(1)];
    const ofOne = Array.from({ length: 1200 }, (_, index) =>
      one.map((id) => rowOf(id, FIRST_KEPT_CELL - 1 - index)),
    ).flat();
    await insert(database, [
      ...many.map((id) => rowOf(id, FIRST_KEPT_CELL - 5)),
      ...many.map((id) => rowOf(id, FIRST_KEPT_CELL)),
      ...ofOne,
    ]);
    const sweep = createReservationSweep(database, now);
    for (let before = 1700; ; ) {
      const more = await sweep();
      const remaining = (await cellsIn(database)).length;
      expect(before - remaining).toBeLessThanOrEqual(500);
      before = remaining;
      if (more === 0) break;
    }
    expect(await cellsIn(database)).toEqual(many.map(() => FIRST_KEPT_CELL));
  });

  it('walks through all of them no more than now and then', async () => {
    const database = await open();
    await insert(database, [rowOf(idToBytes(newId()), FIRST_KEPT_CELL)]);
    const sweep = createReservationSweep(database, now);
    expect(await runOut(sweep)).toBe(2);
    await insert(database, [rowOf(idToBytes(newId()), FIRST_KEPT_CELL - 1)]);
    expect(await runOut(sweep)).toBe(1);
    expect(await cellsIn(database)).toEqual([FIRST_KEPT_CELL - 1, FIRST_KEPT_CELL]);
  });

  it('gives no time away that is still to come because the clock of the service runs ahead', async () => {
    const database = await open();
    const soon = NOW.add({ hours: 24 }).epochMilliseconds / CELL;
    await insert(database, [rowOf(idToBytes(newId()), soon)]);
    await runOut(createReservationSweep(database, () => NOW.add({ hours: 24 * 365 })));
    expect(await cellsIn(database)).toEqual([soon]);
  });

  it('keeps what is old by the clock of the database only', async () => {
    const database = await open();
    await insert(database, [rowOf(idToBytes(newId()), FIRST_KEPT_CELL - 1)]);
    await runOut(createReservationSweep(database, () => NOW.subtract({ hours: 24 * 365 })));
    expect(await cellsIn(database)).toEqual([FIRST_KEPT_CELL - 1]);
  });
});
