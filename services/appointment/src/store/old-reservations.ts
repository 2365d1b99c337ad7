/** Clears the reservations of what is long over: no rule looks at them any more (docs/decisions/0028-old-reservations.md). */
import type { Database, Sweep } from '@daybook/database';
import type { Clock } from '@daybook/service';
import { sql } from 'kysely';
import { cellsOf } from '../domain/grid.ts';
import { DAY } from '../domain/time.ts';
import type { AppointmentTables } from './tables.ts';

export const KEPT_DAYS = 8;
const PASS_EVERY_MILLIS = 6 * 60 * 60 * 1000;
const RESOURCES_A_STEP = 100;
const ROWS_A_STEP = 500;

const BEFORE_ALL = new Uint8Array(16);

/** A walk through all whose time is reserved, in the order of the key. */
interface Pass {
  /** The first cell that stays. */
  readonly stays: number;
  readonly after: Uint8Array;
}

export function createReservationSweep(database: Database<AppointmentTables>, clock: Clock): Sweep {
  let pass: Pass | undefined;
  let nextPassAt = Number.NEGATIVE_INFINITY;

  /** By the earlier of two clocks: one that runs ahead must not give away time that is still to come. */
  async function begin(): Promise<Pass> {
    const { rows } = await database.read((db) =>
      sql<{ now: number }>`select ${database.dialect.now} as now`.execute(db),
    );
    const now = Math.min(clock().epochMilliseconds, ...rows.map((row) => row.now));
    return { stays: cellsOf({ start: now - KEPT_DAYS * DAY, end: now }).first, after: BEFORE_ALL };
  }

  /** The next ones, each with its first cell: of that the key holds a list. */
  const resourcesAfter = (after: Uint8Array) =>
    database.read((db) =>
      db
        .selectFrom('reservations')
        .select((select) => ['resource_id', select.fn.min('cell').as('first')])
        .where('resource_id', '>', after)
        .groupBy('resource_id')
        .orderBy('resource_id')
        .limit(RESOURCES_A_STEP)
        .execute(),
    );

  /** The first old cells of one. Read without a lock, and by itself: of a list of many, with a limit, all of the key may be read. */
  const oldCells = (resource_id: Uint8Array, stays: number, limit: number) =>
    database.read((db) =>
      db
        .selectFrom('reservations')
        .select('cell')
        .where('resource_id', '=', resource_id)
        .where('cell', '<', stays)
        .orderBy('cell')
        .limit(limit)
        .execute(),
    );

  /** Deletes the first old rows of some. Returns how many. */
  async function clear(resourceIds: readonly Uint8Array[], stays: number): Promise<number> {
    const ranges: { resource_id: Uint8Array; last: number }[] = [];
    let count = 0;
    for (const resource_id of resourceIds) {
      const old = await oldCells(resource_id, stays, ROWS_A_STEP - count);
      const last = old.at(-1)?.cell;
      if (last !== undefined) ranges.push({ resource_id, last });
      count += old.length;
      if (count >= ROWS_A_STEP) break;
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

  return async () => {
    if (pass === undefined) {
      if (performance.now() < nextPassAt) return 0;
      pass = await begin();
      nextPassAt = performance.now() + PASS_EVERY_MILLIS;
    }
    const { stays, after } = pass;
    const resources = await resourcesAfter(after);
    const last = resources.at(-1);
    if (!last) {
      pass = undefined;
      return 0;
    }
    const due = resources.filter(({ first }) => first < stays).map(({ resource_id }) => resource_id);
    const cleared = due.length === 0 ? 0 : await clear(due, stays);
    if (cleared < ROWS_A_STEP) pass = { stays, after: last.resource_id };
    return resources.length;
  };
}
