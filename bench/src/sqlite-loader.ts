/** Loads appointments into SQLite much faster than bookings would. Requires that no system runs on the folder. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { cellsOf, historyOf, type LoadedAppointment } from './loaded-appointment.ts';

const ROWS_A_TRANSACTION = 20_000;

function inserting(database: DatabaseSync) {
  const columns = `id, patient_id, doctor_id, appointment_type_id, starts_at, ends_at, time_zone, status, sequence, version,
    created_at, updated_at`;
  const inserted = database.prepare(
    `insert into appointments (${columns}) values (?, ?, ?, ?, ?, ?, 'UTC', 'booked', 0, 1, ?, ?)`,
  );
  const history = database.prepare('insert into appointment_history (appointment_id, version, entry) values (?, 1, ?)');
  const reservation = database.prepare(
    'insert into reservations (resource_id, cell, seat, appointment_type_id, holder_id) values (?, ?, 0, ?, ?)',
  );
  return (appointment: LoadedAppointment) => {
    const { id, doctorId, patientId, typeId, start, end } = appointment;
    inserted.run(id, patientId, doctorId, typeId, start, end, start, start);
    history.run(id, historyOf(appointment));
    for (const cell of cellsOf(appointment)) {
      reservation.run(doctorId, cell, typeId, id);
      reservation.run(patientId, cell, null, id);
    }
  };
}

export function loadIntoSqlite(folder: string, appointments: Iterable<LoadedAppointment>): void {
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
