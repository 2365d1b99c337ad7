/** Who has which cell of time. The primary key refuses what is taken; nothing here decides by having looked before. */
import { type ProblemCode, problems, Refusal } from '@daybook/contracts';
import { type DatabaseDialect, idToBytes, type SharedTables } from '@daybook/database';
import type { Kysely, Transaction } from 'kysely';
import type { TakenSeats } from '../domain/booking-rules.ts';
import { type Cells, cellsOf } from '../domain/grid.ts';
import type { Placement, SeatQuery } from '../domain/ports.ts';
import type { AppointmentTables, ReservationRow } from './tables.ts';

type Db = Kysely<AppointmentTables & SharedTables>;
type Tx = Transaction<AppointmentTables & SharedTables>;

type Seat = Pick<ReservationRow, 'cell' | 'seat' | 'capacity' | 'appointment_id'>;

const seatsIn = (db: Db, resource_id: Uint8Array, cells: Cells) =>
  db
    .selectFrom('reservations')
    .select(['cell', 'seat', 'capacity', 'appointment_id'])
    .where('resource_id', '=', resource_id)
    .where('cell', '>=', cells.first)
    .where('cell', '<', cells.end);

/** How many seats of a cell are taken: without end, where somebody in it shares it with no more than are there. */
const countTaken = (ofCell: readonly Seat[]): number =>
  ofCell.some(({ capacity }) => ofCell.length >= capacity) ? Number.POSITIVE_INFINITY : ofCell.length;

/** The seats that are taken of each cell of a range. */
export async function readTakenSeats(db: Db, { resourceId, range, except }: SeatQuery): Promise<TakenSeats> {
  const rows = await seatsIn(db, idToBytes(resourceId), cellsOf(range)).execute();
  const own = except === undefined ? undefined : idToBytes(except);
  const others = own ? rows.filter((row) => Buffer.compare(own, row.appointment_id) !== 0) : rows;
  return new Map(
    Map.groupBy(others, ({ cell }) => cell)
      .entries()
      .map(([cell, ofCell]) => [cell, countTaken(ofCell)]),
  );
}

/**
 * For each cell the first seat that looked free; undefined when a cell has no seat left, whoever they are numbered for (a
 * group of which some cancelled leaves gaps). What is read is locked where rows are locked: the capacity is counted, and
 * the key alone would not see a visit for one beside a group whose seat 0 was cancelled.
 */
async function chooseSeats(
  tx: Tx,
  dialect: DatabaseDialect,
  resource_id: Uint8Array,
  cells: Cells,
  capacity: number,
): Promise<number[] | undefined> {
  const rows = await seatsIn(tx, resource_id, cells)
    .$if(dialect.locksRows, (query) => query.forUpdate())
    .execute();
  const taken = Map.groupBy(rows, ({ cell }) => cell);
  for (const ofCell of taken.values()) if (countTaken(ofCell) >= capacity) return undefined;
  return Array.from({ length: cells.end - cells.first }, (_, index) => {
    const seats = new Set(taken.get(cells.first + index)?.map(({ seat }) => seat));
    let seat = 0;
    while (seats.has(seat)) seat += 1;
    return seat;
  });
}

/** How often seats are chosen at most: others of a group can take the same seat at once, while another is free. */
const MAX_CHOICES = 10;

/** Takes the doctor's time and the patient's for an appointment. @throws Refusal `slot-taken`, `patient-busy` */
export async function reserve(
  tx: Tx,
  dialect: DatabaseDialect,
  appointmentId: string,
  patientId: string,
  placement: Placement,
): Promise<void> {
  const appointment_id = idToBytes(appointmentId);

  async function take(id: string, cells: Cells, capacity: number, refused: ProblemCode): Promise<void> {
    const resource_id = idToBytes(id);
    for (let choices = Math.min(capacity + 1, MAX_CHOICES); choices > 0; choices -= 1) {
      const seats = await chooseSeats(tx, dialect, resource_id, cells, capacity);
      if (!seats) break;
      const rows = seats.map((seat, index) => ({
        resource_id,
        cell: cells.first + index,
        seat,
        capacity,
        appointment_id,
      }));
      try {
        await tx.insertInto('reservations').values(rows).execute();
        return;
      } catch (error) {
        // Somebody has one of these seats since: choose again.
        if (!dialect.isUniqueViolation(error)) throw error;
      }
    }
    throw new Refusal(refused, `${problems[refused].title}.`);
  }

  await take(placement.doctorId, cellsOf(placement.doctorTime), placement.capacity, 'slot-taken');
  await take(patientId, cellsOf(placement.visit), 1, 'patient-busy');
}

/** Gives back all time of an appointment. */
export async function release(tx: Tx, appointmentId: string): Promise<void> {
  await tx.deleteFrom('reservations').where('appointment_id', '=', idToBytes(appointmentId)).execute();
}
