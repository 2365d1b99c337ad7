/** Measures MySQL alone with the statements of a booking, sent by its driver only. The baseline for ours. */
import { idToBytes, newId } from '@daybook/database';
import { type Connection, createConnection } from 'mysql2/promise';
import { type Measured, measure } from './load.ts';

const CELLS = 6;
/** As large as the entries of a booking. */
const ENTRY = JSON.stringify({ at: '2026-11-25T08:00:00.000Z', by: { id: 'x'.repeat(36) }, to: 'x'.repeat(180) });
const EVENT = JSON.stringify({ specversion: '1.0', data: 'x'.repeat(900) });

const freshId = (): Buffer => Buffer.from(idToBytes(newId()));

/** The data of one connection, so that no connection waits for another. */
interface Pair {
  readonly connection: Connection;
  readonly doctorId: Buffer;
  readonly patientId: Buffer;
  cell: number;
}

async function openPair(uri: string): Promise<Pair> {
  const connection = await createConnection({ uri, multipleStatements: true });
  await connection.query("set session autocommit = 0, transaction_isolation = 'READ-COMMITTED'");
  const [doctorId, patientId] = [freshId(), freshId()];
  await connection.query('insert into participant_versions (participant_id, version) values ?', [
    [
      [doctorId, 1],
      [patientId, 1],
    ],
  ]);
  await connection.query('insert into appointment_types values ?', [
    [[doctorId, doctorId.toString('hex'), 30, 0, 0, 0, 180, 0, 1, 1, 1, 0, 0]],
  ]);
  await connection.query('commit');
  return { connection, doctorId, patientId, cell: 6_000_000 };
}

/** Sends the statements of one booking as services/appointment/src/store does: in the same order and round trips. */
async function book({ connection, doctorId, patientId, cell }: Pair): Promise<void> {
  const [id, now] = [freshId(), Date.now()];
  const cells = [doctorId, patientId].flatMap((person) =>
    Array.from({ length: CELLS }, (_, index) => [
      ...[person, cell + index, 0],
      ...[person === doctorId ? doctorId : null, id, null],
    ]),
  );
  await connection.query(
    `select version, active from appointment_types where id = ? lock in share mode;
     select * from participant_versions where participant_id in (?, ?) lock in share mode;
     select resource_id, cell, seat, coalesce((select appointment_types.capacity from appointment_types
       where appointment_types.id = reservations.appointment_type_id), 1) as capacity, expires_at from reservations
       where (resource_id = ? and cell >= ? and cell < ?) or (resource_id = ? and cell >= ? and cell < ?)`,
    [doctorId, doctorId, patientId, doctorId, cell, cell + CELLS, patientId, cell, cell + CELLS],
  );
  await connection.query(
    `insert into reservations (resource_id, cell, seat, appointment_type_id, holder_id, expires_at) values ?;
     insert into appointments (id, patient_id, doctor_id, appointment_type_id, starts_at, ends_at, time_zone, status, sequence,
       version, created_at, updated_at) values (?);
     insert into appointment_history (appointment_id, version, entry) values (?, 1, ?);
     insert into outbox (event_id, event, subject, created_at) values (?, ?, ?, ?)`,
    [
      cells,
      [id, patientId, doctorId, doctorId, cell, cell, 'UTC', 'booked', 0, 1, now, now],
      ...[id, ENTRY],
      ...[freshId(), EVENT, id, now],
    ],
  );
  await connection.query('commit');
}

/** Measures concurrent bookings in the tables of a booking, after `warmUp` bookings that do not count. */
export async function bareBookings(
  uri: string,
  { warmUp, count, connections }: { warmUp: number; count: number; connections: number },
): Promise<Measured> {
  const pairs = await Promise.all(Array.from({ length: connections }, () => openPair(uri)));
  try {
    const free = [...pairs];
    async function bookNext(): Promise<void> {
      const pair = free.pop();
      if (!pair) throw new Error('more at once than there are connections');
      await book(pair);
      pair.cell += CELLS;
      free.push(pair);
    }
    await measure(warmUp, connections, bookNext);
    return await measure(count, connections, bookNext);
  } finally {
    await Promise.all(pairs.map(({ connection }) => connection.end()));
  }
}
