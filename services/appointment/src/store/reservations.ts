/**
 * Stores the reservations of cells.
 * A read in the transaction refuses taken seats. It takes no lock, so two transactions may read the same free seat.
 * The primary key then rejects the second one, whose transaction runs again and refuses.
 */
import type { ProblemCode } from '@daybook/contracts';
import { type DatabaseDialect, executeBatch, idToBytes, mapUniqueViolation, WriteConflict } from '@daybook/database';
import type { Clock } from '@daybook/service';
import type { Compilable, Expression, ExpressionBuilder, SqlBool } from 'kysely';
import { refusalFor } from '../domain/booking/rules.ts';
import type { Placement } from '../domain/ports.ts';
import { type Cells, cellsOf } from '../domain/slots/grid.ts';
import { lowestFree } from './lowest-free.ts';
import { lockParticipants } from './participant-versions.ts';
import type { AppointmentTables, ReservationRow, Tx } from './tables.ts';
import { countTaken, presentCapacity } from './taken-seats.ts';
import { checkType, typeLockStatement } from './type-versions.ts';

type Seat = Pick<ReservationRow, 'resource_id' | 'cell' | 'seat' | 'expires_at'> & { capacity: number };

/** Time of one participant that a request needs. */
interface SeatDemand {
  readonly resourceId: Uint8Array;
  readonly cells: Cells;
  /** Set for a doctor's time. */
  readonly typeId: Uint8Array | null;
  readonly capacity: number;
  /** More than the capacity for an overbooking. */
  readonly mostSeats: number;
  readonly refusalCode: ProblemCode;
}

/** The most seats at one time, even with overbooking. */
const MAX_SEATS = 1000;

const doctorDemand = ({ doctorId, doctorTime, type, overbooking }: Placement): SeatDemand => ({
  resourceId: idToBytes(doctorId),
  cells: cellsOf(doctorTime),
  typeId: idToBytes(type.id),
  capacity: type.capacity,
  mostSeats: overbooking ? MAX_SEATS : type.capacity,
  refusalCode: 'slot-taken',
});

const patientDemand = (patientId: string, { visit }: Placement): SeatDemand => ({
  resourceId: idToBytes(patientId),
  cells: cellsOf(visit),
  typeId: null,
  capacity: 1,
  mostSeats: 1,
  refusalCode: 'patient-busy',
});

const isOfDemand = ({ resourceId }: SeatDemand, { resource_id }: Seat): boolean =>
  Buffer.compare(resourceId, resource_id) === 0;

/** Matches the cells of all demands. */
const inDemandedCells =
  (demands: readonly SeatDemand[]) =>
  (where: ExpressionBuilder<AppointmentTables, 'reservations'>): Expression<SqlBool> =>
    where.or(
      demands.map(({ resourceId, cells }) =>
        where.and([
          where('resource_id', '=', resourceId),
          where('cell', '>=', cells.first),
          where('cell', '<', cells.end),
        ]),
      ),
    );

const seatsIn = (tx: Tx, demands: readonly SeatDemand[]) =>
  tx
    .selectFrom('reservations')
    .select(['resource_id', 'cell', 'seat', presentCapacity.as('capacity'), 'expires_at'])
    .where(inDemandedCells(demands));

const removeExpired = (tx: Tx, demands: readonly SeatDemand[], now: number) =>
  tx.deleteFrom('reservations').where(inDemandedCells(demands)).where('expires_at', '<=', now).execute();

const takenIn = (seats: readonly Seat[]): number =>
  countTaken(seats.length, Math.min(...seats.map(({ capacity }) => capacity)));

/**
 * Returns the first free seat of each cell; undefined when a cell is full.
 * Seats can have gaps, because members of a group may cancel.
 */
function chooseSeats(rows: readonly Seat[], { cells, mostSeats }: SeatDemand): number[] | undefined {
  const taken = Map.groupBy(rows, ({ cell }) => cell);
  for (const ofCell of taken.values()) if (takenIn(ofCell) >= mostSeats) return undefined;
  return Array.from({ length: cells.end - cells.first }, (_, index) =>
    lowestFree(new Set(taken.get(cells.first + index)?.map(({ seat }) => seat))),
  );
}

/** The appointment or hold that reserves time. */
export interface Holder {
  readonly id: string;
  /** The patient whose time is reserved in addition to the doctor's. */
  readonly patientId?: string;
  /** For a hold: when it expires. */
  readonly expiresAt?: number;
}

/**
 * Returns the rows that fulfil a demand.
 * @throws Refusal when a cell is full
 */
function rowsFor(demand: SeatDemand, live: readonly Seat[], { id, expiresAt }: Holder): ReservationRow[] {
  const { resourceId: resource_id, typeId, cells, capacity, mostSeats, refusalCode } = demand;
  const own = live.filter((seat) => isOfDemand(demand, seat));
  // For an overbooking every seat counts, whatever the capacity of its type.
  const counted = mostSeats > capacity ? own.map((seat) => ({ ...seat, capacity: MAX_SEATS })) : own;
  const seats = chooseSeats(counted, demand);
  if (!seats) throw refusalFor(refusalCode);
  const shared = { resource_id, appointment_type_id: typeId, holder_id: idToBytes(id), expires_at: expiresAt ?? null };
  return seats.map((seat, index) => ({ ...shared, cell: cells.first + index, seat }));
}

/** Time to reserve. */
export interface ReservationRequest {
  readonly holder: Holder;
  readonly placement: Placement;
  readonly clock: Clock;
  /** Runs before free seats are read. Releases the time that this reservation replaces. */
  readonly releasePrevious?: (() => Promise<void>) | undefined;
  /** Statements of the same transaction. A key that rejects one means that another request was first. */
  readonly extraStatements: readonly Compilable<unknown>[];
}

/**
 * Locks the participants and the appointment type. Returns the taken seats of the demands.
 * @throws StaleFacts
 */
async function lockAndRead(
  tx: Tx,
  dialect: DatabaseDialect,
  { placement, releasePrevious }: ReservationRequest,
  demands: readonly SeatDemand[],
): Promise<Seat[]> {
  const participants = lockParticipants(tx, dialect, placement);
  const type = typeLockStatement(tx, dialect, placement.type.id);
  const seats = seatsIn(tx, demands);
  if (releasePrevious) {
    const [types, versions] = await executeBatch(tx, dialect, [type, participants.statement]);
    checkType(placement.type, types);
    await participants.check(versions);
    await releasePrevious();
    return seats.execute();
  }
  const [types, versions, stored] = await executeBatch(tx, dialect, [type, participants.statement, seats]);
  checkType(placement.type, types);
  return (await participants.check(versions)) ? stored : seats.execute();
}

/**
 * Reserves the doctor's time, and the patient's if there is one, in two round trips.
 *
 * Free seats are read without a lock, so no request waits to be rejected because a time is taken.
 * The key rejects a request that lost a race, and its transaction runs again.
 * In MySQL a rejected row leaves a lock, for which two such transactions would otherwise wait forever.
 * The key does not detect a visit for one next to a seat of a group. The lock of lockParticipants prevents that.
 * @throws Refusal `slot-taken`, `patient-busy`; StaleFacts; WriteConflict
 */
export async function reserve(tx: Tx, dialect: DatabaseDialect, request: ReservationRequest): Promise<void> {
  const { holder, placement, clock, extraStatements } = request;
  const { patientId } = holder;
  const demands = [doctorDemand(placement), ...(patientId === undefined ? [] : [patientDemand(patientId, placement)])];
  const stored = await lockAndRead(tx, dialect, request, demands);
  const now = clock().epochMilliseconds;
  const live = stored.filter(({ expires_at }) => expires_at === null || expires_at > now);
  const rows = demands.flatMap((demand) => rowsFor(demand, live, holder));
  if (live.length < stored.length) await removeExpired(tx, demands, now);
  await mapUniqueViolation(
    dialect,
    executeBatch(tx, dialect, [tx.insertInto('reservations').values(rows), ...extraStatements]),
    (violation) => new WriteConflict(violation),
  );
}

/** Returns the statement that releases all time of a holder. */
export const releaseStatement = (tx: Tx, holderId: string) =>
  tx.deleteFrom('reservations').where('holder_id', '=', idToBytes(holderId));
