/** Who has which cell of time. The primary key refuses what is taken; nothing here decides by having looked before. */
import { type ProblemCode, problems, Refusal } from '@daybook/contracts';
import { type DatabaseDialect, idFromBytes, idToBytes, Overtaken, type SharedTables } from '@daybook/database';
import { type Kysely, sql, type Transaction } from 'kysely';
import { NOTHING_TAKEN, type TakenSeats } from '../domain/booking-rules.ts';
import { type Cells, cellsOf } from '../domain/grid.ts';
import type { Placement, SeatQuery } from '../domain/ports.ts';
import type { AppointmentTables, ReservationRow } from './tables.ts';

type Db = Kysely<AppointmentTables & SharedTables>;
type Tx = Transaction<AppointmentTables & SharedTables>;

/** How many seats of a cell are taken: without end, where somebody in it shares it with no more than are there. */
const countTaken = (seats: number, smallestCapacity: number): number =>
  seats >= smallestCapacity ? Number.POSITIVE_INFINITY : seats;

/** More than any capacity: a cell and the capacity of one who has a seat of it go into one number. */
const PACKED = 1024;

/** From packed seats, in any order. */
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
 * The seats that are taken of each cell of a range at `now`, by resource. A hold that has run out takes none. The cells of a
 * resource come as one value: a row each would take ten times as long, and a search looks at tens of thousands.
 */
export async function readTakenSeats(
  db: Db,
  { listOf }: DatabaseDialect,
  { resourceIds, range, exceptHolders = [] }: SeatQuery,
  now: number,
): Promise<ReadonlyMap<string, TakenSeats>> {
  const { first, end } = cellsOf(range);
  if (resourceIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('reservations')
    .select(['resource_id', listOf(sql<number>`cell * ${sql.lit(PACKED)} + capacity`).as('seats')])
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

type Seat = Pick<ReservationRow, 'cell' | 'seat' | 'capacity' | 'expires_at'>;

/** The seats of some cells; `lock` keeps others from changing those that are there, where rows are locked. */
const seatsIn = (tx: Tx, resource_id: Uint8Array, cells: Cells, lock: boolean): Promise<Seat[]> =>
  tx
    .selectFrom('reservations')
    .select(['cell', 'seat', 'capacity', 'expires_at'])
    .where('resource_id', '=', resource_id)
    .where('cell', '>=', cells.first)
    .where('cell', '<', cells.end)
    .$if(lock, (query) => query.forUpdate())
    .execute();

const takenIn = (seats: readonly Seat[]): number =>
  countTaken(seats.length, Math.min(...seats.map(({ capacity }) => capacity)));

/**
 * For each cell the first seat that looked free; undefined when a cell has no seat left, whoever they are numbered for (a
 * group of which some cancelled leaves gaps).
 */
function chooseSeats(rows: readonly Seat[], cells: Cells, capacity: number): number[] | undefined {
  const taken = Map.groupBy(rows, ({ cell }) => cell);
  for (const ofCell of taken.values()) if (takenIn(ofCell) >= capacity) return undefined;
  return Array.from({ length: cells.end - cells.first }, (_, index) => {
    const seats = new Set(taken.get(cells.first + index)?.map(({ seat }) => seat));
    let seat = 0;
    while (seats.has(seat)) seat += 1;
    return seat;
  });
}

/** Beside this many at one time nobody is booked, not even on purpose. */
const MAX_SEATS = 1000;

/** For whom time is taken. */
export interface Holder {
  readonly id: string;
  /** Of a hold: when it runs out. */
  readonly expiresAt?: number;
}

interface Taking {
  readonly capacity: number;
  /** More than the capacity where somebody is booked beside others on purpose. */
  readonly mostSeats: number;
  readonly holder: Holder;
  readonly now: number;
}

/** Beside those that run out, or on purpose, every seat counts. */
const counting = (seats: readonly Seat[], { capacity, mostSeats, now }: Taking): Seat[] => {
  const live = seats.filter(({ expires_at }) => expires_at === null || expires_at > now);
  return mostSeats > capacity ? live.map((seat) => ({ ...seat, capacity: MAX_SEATS })) : live;
};

/**
 * False when a cell is full.
 *
 * Where rows are locked, the seats of a group are read with a lock, so that those who want one choose one after the other;
 * nobody waits to read that a time for one is taken. The key refuses who was overtaken: their transaction runs again,
 * since what a refused row leaves behind in MySQL is a lock that two of them would wait for without end.
 * @throws Overtaken
 */
async function take(tx: Tx, dialect: DatabaseDialect, resourceId: string, cells: Cells, taking: Taking) {
  const { capacity, mostSeats, holder, now } = taking;
  const resource_id = idToBytes(resourceId);
  const rows = await seatsIn(tx, resource_id, cells, dialect.locksRows && mostSeats > 1);
  const live = counting(rows, taking);
  const seats = chooseSeats(live, cells, mostSeats);
  if (!seats) return false;
  if (live.length < rows.length) await removeExpired(tx, resource_id, cells, now);
  const shared = { resource_id, capacity, holder_id: idToBytes(holder.id), expires_at: holder.expiresAt ?? null };
  const chosen = seats.map((seat, index) => ({ ...shared, cell: cells.first + index, seat }));
  try {
    await tx.insertInto('reservations').values(chosen).execute();
    return true;
  } catch (error) {
    throw dialect.isUniqueViolation(error) ? new Overtaken(error) : error;
  }
}

/**
 * Whether a cell holds more than it may. The key does not see a visit for one beside a group of which seat 0 was cancelled
 * since it was read. Whoever comes now waits for the rows that this locks.
 */
async function isTooFull(tx: Tx, resourceId: string, cells: Cells, taking: Taking): Promise<boolean> {
  const live = counting(await seatsIn(tx, idToBytes(resourceId), cells, true), taking);
  return [...Map.groupBy(live, ({ cell }) => cell).values()].some(
    (seats) => seats.length > Math.min(taking.mostSeats, ...seats.map(({ capacity }) => capacity)),
  );
}

const removeExpired = (tx: Tx, resource_id: Uint8Array, cells: Cells, now: number) =>
  tx
    .deleteFrom('reservations')
    .where('resource_id', '=', resource_id)
    .where('cell', '>=', cells.first)
    .where('cell', '<', cells.end)
    .where('expires_at', '<=', now)
    .execute();

const refusal = (code: ProblemCode): Refusal => new Refusal(code, `${problems[code].title}.`);

/** Takes the doctor's time. @throws Refusal `slot-taken` */
export async function reserveDoctor(
  tx: Tx,
  dialect: DatabaseDialect,
  holder: Holder,
  { doctorId, doctorTime, capacity, overbooking }: Placement,
  now: number,
): Promise<void> {
  const [cells, taking] = [
    cellsOf(doctorTime),
    { capacity, mostSeats: overbooking ? MAX_SEATS : capacity, holder, now },
  ];
  if (!(await take(tx, dialect, doctorId, cells, taking))) throw refusal('slot-taken');
  if (dialect.locksRows && (await isTooFull(tx, doctorId, cells, taking))) throw new Overtaken();
}

/** Takes the patient's time. @throws Refusal `patient-busy` */
export async function reservePatient(
  tx: Tx,
  dialect: DatabaseDialect,
  holder: Holder,
  patientId: string,
  { visit }: Placement,
  now: number,
): Promise<void> {
  const taken = await take(tx, dialect, patientId, cellsOf(visit), { capacity: 1, mostSeats: 1, holder, now });
  if (!taken) throw refusal('patient-busy');
}

/** Gives back all time that somebody holds. */
export async function release(tx: Tx, holderId: string): Promise<void> {
  await tx.deleteFrom('reservations').where('holder_id', '=', idToBytes(holderId)).execute();
}
