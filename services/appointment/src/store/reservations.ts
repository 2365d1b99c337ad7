/** Who has which cell of time. The primary key refuses what is taken; nothing here decides by having looked before. */
import { type ProblemCode, problems, Refusal } from '@daybook/contracts';
import { type DatabaseDialect, idToBytes, type SharedTables } from '@daybook/database';
import type { Kysely, Transaction } from 'kysely';
import type { TakenSeats } from '../domain/booking-rules.ts';
import { type Cells, cellsOf } from '../domain/grid.ts';
import type { Placement, SeatQuery } from '../domain/ports.ts';
import type { AppointmentTables } from './tables.ts';

type Db = Kysely<AppointmentTables & SharedTables>;
type Tx = Transaction<AppointmentTables & SharedTables>;

/** The seats that are taken of each cell of a range. */
export async function readTakenSeats(db: Db, { resourceId, range, except }: SeatQuery): Promise<TakenSeats> {
  const cells = cellsOf(range);
  const rows = await db
    .selectFrom('reservations')
    .select(['cell', 'appointment_id'])
    .where('resource_id', '=', idToBytes(resourceId))
    .where('cell', '>=', cells.first)
    .where('cell', '<', cells.end)
    .execute();
  const own = except === undefined ? undefined : idToBytes(except);
  const taken = new Map<number, number>();
  for (const { cell, appointment_id } of rows) {
    if (own && Buffer.compare(own, appointment_id) === 0) continue;
    taken.set(cell, (taken.get(cell) ?? 0) + 1);
  }
  return taken;
}

/** For each cell a seat below the capacity that looked free; the key has the last word. */
async function chooseSeats(tx: Tx, resource_id: Uint8Array, cells: Cells, capacity: number): Promise<number[]> {
  const count = cells.end - cells.first;
  if (capacity === 1) return Array<number>(count).fill(0);
  const rows = await tx
    .selectFrom('reservations')
    .select(['cell', 'seat'])
    .where('resource_id', '=', resource_id)
    .where('cell', '>=', cells.first)
    .where('cell', '<', cells.end)
    .execute();
  const taken = Map.groupBy(rows, ({ cell }) => cell);
  return Array.from({ length: count }, (_, index) => {
    const seats = new Set((taken.get(cells.first + index) ?? []).map(({ seat }) => seat));
    let seat = 0;
    while (seats.has(seat)) seat += 1;
    return seat;
  });
}

/** Takes the doctor's time and the patient's for an appointment. @throws Refusal `slot-taken`, `patient-busy` */
export async function reserve(
  tx: Tx,
  dialect: DatabaseDialect,
  appointmentId: string,
  patientId: string,
  { doctorId, doctorTime, visit, capacity }: Placement,
): Promise<void> {
  const appointment_id = idToBytes(appointmentId);

  async function take(id: string, cells: Cells, seatCount: number, refused: ProblemCode): Promise<void> {
    const resource_id = idToBytes(id);
    const seats = await chooseSeats(tx, resource_id, cells, seatCount);
    const refusal = new Refusal(refused, `${problems[refused].title}.`);
    if (seats.some((seat) => seat >= seatCount)) throw refusal;
    const rows = seats.map((seat, index) => ({ resource_id, cell: cells.first + index, seat, appointment_id }));
    try {
      await tx.insertInto('reservations').values(rows).execute();
    } catch (error) {
      throw dialect.isUniqueViolation(error) ? refusal : error;
    }
  }

  await take(doctorId, cellsOf(doctorTime), capacity, 'slot-taken');
  await take(patientId, cellsOf(visit), 1, 'patient-busy');
}

/** Gives back all time of an appointment. */
export async function release(tx: Tx, appointmentId: string): Promise<void> {
  await tx.deleteFrom('reservations').where('appointment_id', '=', idToBytes(appointmentId)).execute();
}
