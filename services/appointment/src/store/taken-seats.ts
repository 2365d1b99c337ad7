/** Reads the seats that appointments and holds take. */
import { permit, ROLES } from '@daybook/contracts';
import { type Database, type DatabaseDialect, idFromBytes, idToBytes } from '@daybook/database';
import type { Clock } from '@daybook/service';
import { sql } from 'kysely';
import { NOTHING_TAKEN, type TakenSeats } from '../domain/booking/rules.ts';
import type { SeatQuery, SeatReads } from '../domain/ports.ts';
import { cellsOf } from '../domain/slots/grid.ts';
import type { AppointmentTables, Db } from './tables.ts';

/** Returns how many seats of a cell are taken, or infinity when a holder's capacity is reached. */
export const countTaken = (seats: number, smallestCapacity: number): number =>
  seats >= smallestCapacity ? Number.POSITIVE_INFINITY : seats;

/** More than any capacity, so that a cell and the capacity of one seat's holder fit into one number. */
const PACKED = 1024;

/**
 * Selects the present capacity of a row's appointment type.
 * A raised one opens seats next to earlier visits. A lowered one opens none and removes none.
 */
export const presentCapacity = sql<number>`coalesce(
  (select appointment_types.capacity from appointment_types
    where appointment_types.id = reservations.appointment_type_id), 1)`;

/**
 * Selects the same for many rows. The database reads the few types of groups once for the statement, and looks up the
 * capacity of their rows only. A lookup for each row of a month takes a fifth of a search.
 */
const presentCapacityOfMany = sql<number>`case when reservations.appointment_type_id in
  (select appointment_types.id from appointment_types where appointment_types.capacity > 1)
  then ${presentCapacity} else 1 end`;

/** Counts taken seats by cell, from packed seats in any order. */
function takenSeatsOf(packed: readonly number[]): TakenSeats {
  const seats = new Map<number, number>();
  const capacities = new Map<number, number>();
  for (const one of packed) {
    const cell = Math.floor(one / PACKED);
    const capacity = one % PACKED;
    seats.set(cell, (seats.get(cell) ?? 0) + 1);
    capacities.set(cell, Math.min(capacity, capacities.get(cell) ?? capacity));
  }
  for (const [cell, taken] of seats) seats.set(cell, countTaken(taken, capacities.get(cell) ?? 0));
  return seats;
}

/**
 * Returns the taken seats by cell of a range at `now`, for each resource. Expired holds do not count.
 * The cells of a resource arrive as one value, because a search reads tens of thousands of them.
 * One row for each would take ten times as long.
 */
export async function readTakenSeats(
  db: Db,
  { jsonArrayAgg }: DatabaseDialect,
  { resourceIds, range, exceptHolders = [] }: SeatQuery,
  now: number,
): Promise<ReadonlyMap<string, TakenSeats>> {
  const { first, end } = cellsOf(range);
  if (resourceIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('reservations')
    .select([
      'resource_id',
      jsonArrayAgg(sql<number>`cell * ${sql.lit(PACKED)} + ${presentCapacityOfMany}`).as('seats'),
    ])
    .where('resource_id', 'in', resourceIds.map(idToBytes))
    .where('cell', '>=', first)
    .where('cell', '<', end)
    .where((where) => where.or([where('expires_at', 'is', null), where('expires_at', '>', now)]))
    .$if(exceptHolders.length > 0, (query) => query.where('holder_id', 'not in', exceptHolders.map(idToBytes)))
    .groupBy('resource_id')
    .execute();
  const taken = new Map(
    rows.map(({ resource_id, seats }) => [idFromBytes(resource_id), takenSeatsOf(JSON.parse(seats))]),
  );
  return new Map(resourceIds.map((id) => [id, taken.get(id.toLowerCase()) ?? NOTHING_TAKEN]));
}

export const createSeatReads = (database: Database<AppointmentTables>, clock: Clock): SeatReads => ({
  async taken(caller, query) {
    permit(caller, ROLES);
    return database.read((db) => readTakenSeats(db, database.dialect, query, clock().epochMilliseconds));
  },
});
