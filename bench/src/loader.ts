/**
 * Puts appointments straight into the database of the appointment service, with all that belongs to them, much faster than
 * they could be booked. Only while no system runs on the folder.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const CELL_MILLIS = 300_000;
const ROWS_A_TRANSACTION = 20_000;

export interface LoadedAppointment {
  readonly id: Uint8Array;
  readonly doctorId: Uint8Array;
  readonly patientId: Uint8Array;
  readonly typeId: Uint8Array;
  /** Milliseconds since 1970 UTC. */
  readonly start: number;
  readonly end: number;
}

export const bytesOf = (id: string): Uint8Array => Buffer.from(id.replaceAll('-', ''), 'hex');

/** An id that sorts by time, as those do that the service gives. */
export function idAt(millis: number): Uint8Array {
  const id = crypto.getRandomValues(Buffer.alloc(16));
  id.writeUIntBE(millis, 0, 6);
  id.writeUInt8(((id[6] ?? 0) & 0x0f) | 0x70, 6);
  id.writeUInt8(((id[8] ?? 0) & 0x3f) | 0x80, 8);
  return id;
}

function inserting(database: DatabaseSync) {
  const columns = `id, patient_id, doctor_id, appointment_type_id, starts_at, ends_at, time_zone, status, sequence, version,
    created_at, updated_at`;
  const appointment = database.prepare(
    `insert into appointments (${columns}) values (?, ?, ?, ?, ?, ?, 'UTC', 'booked', 0, 1, ?, ?)`,
  );
  const history = database.prepare('insert into appointment_history (appointment_id, version, entry) values (?, 1, ?)');
  const cell = database.prepare(
    'insert into reservations (resource_id, cell, seat, capacity, holder_id) values (?, ?, 0, 1, ?)',
  );
  return ({ id, doctorId, patientId, typeId, start, end }: LoadedAppointment) => {
    appointment.run(id, patientId, doctorId, typeId, start, end, start, start);
    const at = Temporal.Instant.fromEpochMilliseconds(start).toString();
    history.run(id, JSON.stringify({ at, by: { id: 'bench', role: 'service' }, action: 'booked', sequence: 0 }));
    for (let at = start; at < end; at += CELL_MILLIS) {
      cell.run(doctorId, at / CELL_MILLIS, id);
      cell.run(patientId, at / CELL_MILLIS, id);
    }
  };
}

export function loadAppointments(folder: string, appointments: Iterable<LoadedAppointment>): void {
  const database = new DatabaseSync(join(folder, 'appointment.sqlite'));
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -200000; BEGIN');
    const insert = inserting(database);
    let rows = 0;
    for (const appointment of appointments) {
      insert(appointment);
      rows += 1;
      if (rows % ROWS_A_TRANSACTION === 0) database.exec('COMMIT; BEGIN');
    }
    database.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE)');
  } finally {
    database.close();
  }
}
