/** Who has which cell of time. The primary key refuses what is taken; nothing here decides by having looked before. */
import { type ProblemCode, problems, Refusal } from '@daybook/contracts';
import {
  type DatabaseDialect,
  idFromBytes,
  idToBytes,
  Overtaken,
  type SharedTables,
  together,
} from '@daybook/database';
import type { Clock } from '@daybook/service';
import {
  type Compilable,
  type Expression,
  type ExpressionBuilder,
  type Kysely,
  type SqlBool,
  sql,
  type Transaction,
} from 'kysely';
import { NOTHING_TAKEN, type TakenSeats } from '../domain/booking-rules.ts';
import { type Cells, cellsOf } from '../domain/grid.ts';
import type { Placement, SeatQuery } from '../domain/ports.ts';
import { lockOfPersons } from './person-versions.ts';
import type { AppointmentTables, ReservationRow } from './tables.ts';
import { checkType, lockOfType } from './type-versions.ts';

type Db = Kysely<AppointmentTables & SharedTables>;
type Tx = Transaction<AppointmentTables & SharedTables>;

/** How many seats of a cell are taken: without end, where somebody in it shares it with no more than are there. */
const countTaken = (seats: number, smallestCapacity: number): number =>
  seats >= smallestCapacity ? Number.POSITIVE_INFINITY : seats;

/** More than any capacity: a cell and the capacity of one who has a seat of it go into one number. */
const PACKED = 1024;

/**
 * The SQL of the capacity that a row's appointment type has now: a raised one opens seats beside those who came before, a
 * lowered one takes none away and opens none.
 */
const presentCapacity = sql<number>`coalesce(
  (select appointment_types.capacity from appointment_types
    where appointment_types.id = reservations.appointment_type_id), 1)`;

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
    .select(['resource_id', listOf(sql<number>`cell * ${sql.lit(PACKED)} + ${presentCapacity}`).as('seats')])
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

type Seat = Pick<ReservationRow, 'resource_id' | 'cell' | 'seat' | 'expires_at'> & { capacity: number };

/** Time of one person that somebody wants. */
interface Claim {
  readonly resourceId: Uint8Array;
  readonly cells: Cells;
  /** Of a doctor's time. */
  readonly typeId: Uint8Array | null;
  readonly capacity: number;
  /** More than the capacity where somebody is booked beside others on purpose. */
  readonly mostSeats: number;
  readonly refusedWith: ProblemCode;
}

/** Beside this many at one time nobody is booked, not even on purpose. */
const MAX_SEATS = 1000;

const doctorClaim = ({ doctorId, doctorTime, type, overbooking }: Placement): Claim => ({
  resourceId: idToBytes(doctorId),
  cells: cellsOf(doctorTime),
  typeId: idToBytes(type.id),
  capacity: type.capacity,
  mostSeats: overbooking ? MAX_SEATS : type.capacity,
  refusedWith: 'slot-taken',
});

const patientClaim = (patientId: string, { visit }: Placement): Claim => ({
  resourceId: idToBytes(patientId),
  cells: cellsOf(visit),
  typeId: null,
  capacity: 1,
  mostSeats: 1,
  refusedWith: 'patient-busy',
});

const isFor = ({ resourceId }: Claim, { resource_id }: Seat): boolean => Buffer.compare(resourceId, resource_id) === 0;

/** The cells of all claims. */
const claimed =
  (claims: readonly Claim[]) =>
  (where: ExpressionBuilder<AppointmentTables, 'reservations'>): Expression<SqlBool> =>
    where.or(
      claims.map(({ resourceId, cells }) =>
        where.and([
          where('resource_id', '=', resourceId),
          where('cell', '>=', cells.first),
          where('cell', '<', cells.end),
        ]),
      ),
    );

const seatsIn = (tx: Tx, claims: readonly Claim[]) =>
  tx
    .selectFrom('reservations')
    .select(['resource_id', 'cell', 'seat', presentCapacity.as('capacity'), 'expires_at'])
    .where(claimed(claims));

const removeExpired = (tx: Tx, claims: readonly Claim[], now: number) =>
  tx.deleteFrom('reservations').where(claimed(claims)).where('expires_at', '<=', now).execute();

const takenIn = (seats: readonly Seat[]): number =>
  countTaken(seats.length, Math.min(...seats.map(({ capacity }) => capacity)));

/**
 * For each cell the first seat that is free; undefined when a cell has no seat left, whoever they are numbered for (a group of
 * which some cancelled leaves gaps).
 */
function chooseSeats(rows: readonly Seat[], { cells, mostSeats }: Claim): number[] | undefined {
  const taken = Map.groupBy(rows, ({ cell }) => cell);
  for (const ofCell of taken.values()) if (takenIn(ofCell) >= mostSeats) return undefined;
  return Array.from({ length: cells.end - cells.first }, (_, index) => {
    const seats = new Set(taken.get(cells.first + index)?.map(({ seat }) => seat));
    let seat = 0;
    while (seats.has(seat)) seat += 1;
    return seat;
  });
}

/** For whom time is taken. */
export interface Holder {
  readonly id: string;
  /** Whose time is taken besides the doctor's. */
  readonly patientId?: string;
  /** Of a hold: when it runs out. */
  readonly expiresAt?: number;
}

/** The rows that fulfil a claim. @throws Refusal when a cell is full */
function rowsFor(claim: Claim, live: readonly Seat[], { id, expiresAt }: Holder): ReservationRow[] {
  const { resourceId: resource_id, typeId, cells, capacity, mostSeats, refusedWith } = claim;
  const own = live.filter((seat) => isFor(claim, seat));
  // Beside others on purpose every seat counts, whatever it was taken with.
  const counted = mostSeats > capacity ? own.map((seat) => ({ ...seat, capacity: MAX_SEATS })) : own;
  const seats = chooseSeats(counted, claim);
  if (!seats) throw new Refusal(refusedWith, `${problems[refusedWith].title}.`);
  const shared = { resource_id, appointment_type_id: typeId, holder_id: idToBytes(id), expires_at: expiresAt ?? null };
  return seats.map((seat, index) => ({ ...shared, cell: cells.first + index, seat }));
}

/** Time that is to be taken. */
export interface Taking {
  readonly holder: Holder;
  readonly placement: Placement;
  readonly clock: Clock;
  /** Before it is looked at what is free: gives back what this time is taken in the place of. */
  readonly giveBack?: (() => Promise<void>) | undefined;
  /** What is written together with it. Where a key refuses any of it, somebody was quicker. */
  readonly alongside: readonly Compilable<unknown>[];
}

/** What is taken of the claims once the persons and the appointment type are locked. @throws StaleFacts */
async function lockAndLook(
  tx: Tx,
  dialect: DatabaseDialect,
  { placement, giveBack }: Taking,
  claims: readonly Claim[],
): Promise<Seat[]> {
  const persons = lockOfPersons(tx, dialect, placement);
  const type = lockOfType(tx, dialect, placement.type.id);
  const seats = seatsIn(tx, claims);
  if (giveBack) {
    const [types, versions] = await together(tx, dialect, [type, persons.statement]);
    checkType(placement.type, types);
    await persons.check(versions);
    await giveBack();
    return seats.execute();
  }
  const [types, versions, stored] = await together(tx, dialect, [type, persons.statement, seats]);
  checkType(placement.type, types);
  return (await persons.check(versions)) ? stored : seats.execute();
}

/**
 * Takes the doctor's time, and the patient's where there is one, in two round trips.
 *
 * It is read without a lock what is free, so nobody waits to hear that a time is taken. The key refuses who was overtaken:
 * their transaction runs again, since what a refused row leaves behind in MySQL is a lock that two of them would wait for
 * without end. What the key does not see, a visit for one beside a seat of a group, cannot happen meanwhile: see lockOfPersons.
 * @throws Refusal `slot-taken`, `patient-busy`; StaleFacts; Overtaken
 */
export async function reserve(tx: Tx, dialect: DatabaseDialect, taking: Taking): Promise<void> {
  const { holder, placement, clock, alongside } = taking;
  const { patientId } = holder;
  const claims = [doctorClaim(placement), ...(patientId === undefined ? [] : [patientClaim(patientId, placement)])];
  const stored = await lockAndLook(tx, dialect, taking, claims);
  const now = clock().epochMilliseconds;
  const live = stored.filter(({ expires_at }) => expires_at === null || expires_at > now);
  const rows = claims.flatMap((claim) => rowsFor(claim, live, holder));
  if (live.length < stored.length) await removeExpired(tx, claims, now);
  try {
    await together(tx, dialect, [tx.insertInto('reservations').values(rows), ...alongside]);
  } catch (error) {
    throw dialect.isUniqueViolation(error) ? new Overtaken(error) : error;
  }
}

/** The statement that gives back all time that somebody holds. */
export const releaseOf = (tx: Tx, holderId: string) =>
  tx.deleteFrom('reservations').where('holder_id', '=', idToBytes(holderId));
