/**
 * Loads appointments into MySQL much faster than bookings would.
 * It uses LOAD DATA in pieces, and creates the indexes of appointments at the end.
 * It requires that no system runs on the database, and an account that may set global variables.
 */
import { Readable } from 'node:stream';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { cellsOf, historyOf, type LoadedAppointment } from './loaded-appointment.ts';

const APPOINTMENTS_A_PIECE = 20_000;

/** The loaded tables: their columns in the order of the data, and the conversion of hexadecimal columns. */
const TABLES = {
  appointments: `(@id, @patient, @doctor, @type, starts_at, ends_at) set id = unhex(@id), patient_id = unhex(@patient),
    doctor_id = unhex(@doctor), appointment_type_id = unhex(@type), time_zone = 'UTC', status = 'booked', sequence = 0, version = 1,
    created_at = starts_at, updated_at = starts_at`,
  appointment_history: '(@id, entry) set appointment_id = unhex(@id), version = 1',
  reservations: `(@resource, cell, @type, @holder) set resource_id = unhex(@resource), seat = 0, appointment_type_id = unhex(nullif(@type, '')),
    holder_id = unhex(@holder)`,
} as const;

type Table = keyof typeof TABLES;
type Lines = Readonly<Record<Table, string[]>>;

const hex = (id: Uint8Array): string => Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('hex');

function linesOf(appointments: readonly LoadedAppointment[]): Lines {
  const lines: Lines = { appointments: [], appointment_history: [], reservations: [] };
  for (const appointment of appointments) {
    const [id, patient, doctor] = [hex(appointment.id), hex(appointment.patientId), hex(appointment.doctorId)];
    const { typeId, start, end } = appointment;
    lines.appointments.push(`${id}\t${patient}\t${doctor}\t${hex(typeId)}\t${start}\t${end}`);
    lines.appointment_history.push(`${id}\t${historyOf(appointment)}`);
    for (const cell of cellsOf(appointment)) {
      lines.reservations.push(`${doctor}\t${cell}\t${hex(typeId)}\t${id}`, `${patient}\t${cell}\t\t${id}`);
    }
  }
  // In key order. The rows of the other tables are in order already.
  lines.reservations.sort();
  return lines;
}

async function send(connection: Connection, table: Table, lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return;
  await connection.query({
    sql: `load data local infile 'lines' into table ${table} fields escaped by '' ${TABLES[table]}`,
    infileStreamFactory: () => Readable.from([Buffer.from(`${lines.join('\n')}\n`)]),
  });
}

interface Indexes {
  readonly drop: string;
  readonly add: string;
}

/**
 * Returns statements for the indexes except the key. Building them from all rows is several times as fast as filling
 * them.
 */
async function indexesOf(connection: Connection): Promise<Indexes> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `select index_name as name, group_concat(column_name order by seq_in_index) as columns from information_schema.statistics
     where table_schema = database() and table_name = 'appointments' and index_name <> 'PRIMARY' group by index_name`,
  );
  return {
    drop: rows.map(({ name }) => `drop index ${name}`).join(),
    add: rows.map(({ name, columns }) => `add index ${name} (${columns})`).join(),
  };
}

function* piecesOf(appointments: Iterable<LoadedAppointment>): Generator<LoadedAppointment[]> {
  let piece: LoadedAppointment[] = [];
  for (const appointment of appointments) {
    piece.push(appointment);
    if (piece.length < APPOINTMENTS_A_PIECE) continue;
    yield piece;
    piece = [];
  }
  yield piece;
}

/** Prepares one piece while the previous one is sent. */
async function fill(connection: Connection, appointments: Iterable<LoadedAppointment>): Promise<void> {
  let sent: Promise<unknown> = Promise.resolve();
  for (const piece of piecesOf(appointments)) {
    const lines = linesOf(piece);
    await sent;
    sent = (async () => {
      await send(connection, 'appointments', lines.appointments);
      await send(connection, 'appointment_history', lines.appointment_history);
      await send(connection, 'reservations', lines.reservations);
      await connection.query('commit');
    })();
  }
  await sent;
}

/** Enables files from clients, which the server disables by default, during `work`. */
async function acceptingFiles(connection: Connection, work: () => Promise<void>): Promise<void> {
  const [[before]] = await connection.query<RowDataPacket[]>('select @@global.local_infile as setting');
  await connection.query('set global local_infile = on');
  try {
    await work();
  } finally {
    await connection.query(`set global local_infile = ${before?.setting === 1 ? 'on' : 'off'}`);
  }
}

export async function loadIntoMysql(url: string, appointments: Iterable<LoadedAppointment>): Promise<void> {
  const connection = await createConnection({ uri: url });
  try {
    await connection.query('set autocommit = 0, unique_checks = 0, foreign_key_checks = 0, sql_log_bin = 0');
    await acceptingFiles(connection, async () => {
      const indexes = await indexesOf(connection);
      await connection.query(`alter table appointments ${indexes.drop}`);
      await fill(connection, appointments);
      await connection.query('set innodb_ddl_buffer_size = 268435456');
      await connection.query(`alter table appointments ${indexes.add}`);
      await connection.query('analyze table appointments, appointment_history, reservations');
    });
  } finally {
    await connection.end();
  }
}
