/** Deletes the reservations of the distant past, which no rule reads (docs/decisions/0028-reservation-retention.md). */
import { DAY } from '@daybook/contracts';
import type { Database, Sweep } from '@daybook/database';
import type { Clock } from '@daybook/service';
import { sql } from 'kysely';
import { cellsOf } from '../domain/slots/grid.ts';
import type { AppointmentTables } from '../store/tables.ts';

export const RETENTION_DAYS = 8;
const PASS_INTERVAL_MILLIS = 6 * 60 * 60 * 1000;
const RESOURCES_PER_BATCH = 100;
const ROWS_PER_BATCH = 500;

const LOWEST_ID = new Uint8Array(16);

/** A walk through all resources with reservations, in the order of the key. */
interface Pass {
  /** The first cell that is kept. */
  readonly firstKeptCell: number;
  readonly after: Uint8Array;
}

type ReservationDatabase = Database<AppointmentTables>;

/** Starts a pass by the earlier of two clocks, so that a clock that runs ahead does not release future time. */
async function beginPass(database: ReservationDatabase, clock: Clock): Promise<Pass> {
  const { rows } = await database.read((db) => sql<{ now: number }>`select ${database.dialect.now} as now`.execute(db));
  const now = Math.min(clock().epochMilliseconds, ...rows.map((row) => row.now));
  return { firstKeptCell: cellsOf({ start: now - RETENTION_DAYS * DAY, end: now }).first, after: LOWEST_ID };
}

/** Returns the next resources, each with its first cell, both read from the key. */
const resourcesAfter = (database: ReservationDatabase, after: Uint8Array) =>
  database.read((db) =>
    db
      .selectFrom('reservations')
      .select((select) => ['resource_id', select.fn.min('cell').as('first')])
      .where('resource_id', '>', after)
      .groupBy('resource_id')
      .orderBy('resource_id')
      .limit(RESOURCES_PER_BATCH)
      .execute(),
  );

/**
 * Returns the first old cells of one resource, without a lock.
 * A query for several resources with a limit could read the whole key.
 */
const oldCells = (database: ReservationDatabase, resource_id: Uint8Array, firstKeptCell: number, limit: number) =>
  database.read((db) =>
    db
      .selectFrom('reservations')
      .select('cell')
      .where('resource_id', '=', resource_id)
      .where('cell', '<', firstKeptCell)
      .orderBy('cell')
      .limit(limit)
      .execute(),
  );

/** Deletes the first old rows of some resources. Returns how many. */
async function deleteOld(
  database: ReservationDatabase,
  resourceIds: readonly Uint8Array[],
  firstKeptCell: number,
): Promise<number> {
  const ranges: { resource_id: Uint8Array; last: number }[] = [];
  let count = 0;
  for (const resource_id of resourceIds) {
    const old = await oldCells(database, resource_id, firstKeptCell, ROWS_PER_BATCH - count);
    const last = old.at(-1)?.cell;
    if (last !== undefined) ranges.push({ resource_id, last });
    count += old.length;
    if (count >= ROWS_PER_BATCH) break;
  }
  if (ranges.length === 0) return 0;
  await database.write((tx) =>
    tx
      .deleteFrom('reservations')
      .where((where) =>
        where.or(
          ranges.map(({ resource_id, last }) =>
            where.and([where('resource_id', '=', resource_id), where('cell', '<=', last)]),
          ),
        ),
      )
      .execute(),
  );
  return count;
}

export function createReservationSweep(database: ReservationDatabase, clock: Clock): Sweep {
  let pass: Pass | undefined;
  let nextPassAt = Number.NEGATIVE_INFINITY;

  return async () => {
    if (pass === undefined) {
      if (performance.now() < nextPassAt) return 0;
      pass = await beginPass(database, clock);
      nextPassAt = performance.now() + PASS_INTERVAL_MILLIS;
    }
    const { firstKeptCell, after } = pass;
    const resources = await resourcesAfter(database, after);
    const last = resources.at(-1);
    if (!last) {
      pass = undefined;
      return 0;
    }
    const due = resources.filter(({ first }) => first < firstKeptCell).map(({ resource_id }) => resource_id);
    const deleted = await deleteOld(database, due, firstKeptCell);
    if (deleted < ROWS_PER_BATCH) pass = { firstKeptCell, after: last.resource_id };
    return resources.length;
  };
}
