/** Reads the content of every database while no process writes. */
import { idFromBytes } from '@daybook/database';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import type { Call } from './calls.ts';
import type { RecordedEvent } from './event-recorder.ts';

export interface AppointmentRow {
  readonly id: string;
  readonly patientId: string;
  readonly doctorId: string;
  readonly startsAt: number;
  readonly endsAt: number;
  readonly status: string;
  readonly sequence: number;
  readonly reason: string;
  readonly version: number;
}

interface Times {
  readonly doctorId: string;
  readonly start: string;
  readonly end: string;
}

export interface HistoryRow {
  readonly appointmentId: string;
  readonly version: number;
  readonly action: string;
  readonly sequence: number;
  readonly to?: Times;
  readonly reason?: string;
}

export interface ReservationRow {
  readonly resourceId: string;
  readonly cell: number;
  readonly seat: number;
  readonly holderId: string;
  /** For a hold: when it expires. */
  readonly expiresAt: number | null;
}

export interface MessageRow {
  readonly appointmentId: string;
  readonly sequence: number;
  readonly kind: string;
  readonly createdAt: number;
}

export interface FinalState {
  readonly calls: readonly Call[];
  readonly appointments: readonly AppointmentRow[];
  readonly history: readonly HistoryRow[];
  readonly reservations: readonly ReservationRow[];
  readonly holdIds: readonly string[];
  readonly messages: readonly MessageRow[];
  /** The ids, and the family names, which are the keys of the registering calls. */
  readonly patients: readonly { readonly id: string; readonly key: string }[];
  /** The counts of rows that should be gone: `appointment.outbox`, `notification.parked_events` and others. */
  readonly remainingRows: ReadonlyMap<string, number>;
  /** Messages in the queues of the broker. */
  readonly queuedMessages: ReadonlyMap<string, number>;
  /** Every event that the broker accepted, in order and with repetitions. */
  readonly recorded: readonly RecordedEvent[];
}

export const SERVICES_WITH_DATABASES = ['patient', 'doctor', 'appointment', 'notification'] as const;
const DRAINED_TABLES = ['outbox', 'parked_events'] as const;
/** The actions that cause a message. */
export const NOTIFIED_ACTIONS: readonly string[] = ['booked', 'rescheduled', 'cancelled'];

const databaseOf = (service: string) => `daybook_${service}`;
const TIMEOUT_MILLIS = 60_000;

/** Opens a connection to the server itself, without a proxy. */
export async function withConnection<Result>(
  url: string,
  read: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  const connection = await createConnection({ uri: url, connectTimeout: 10_000 });
  try {
    return await read(connection);
  } finally {
    connection.destroy();
  }
}

async function rowsOf(connection: Connection, sql: string): Promise<RowDataPacket[]> {
  const [rows] = await connection.query<RowDataPacket[]>({ sql, timeout: TIMEOUT_MILLIS });
  return rows;
}

export async function countRows(connection: Connection, table: string, where = ''): Promise<number> {
  const [row] = await rowsOf(connection, `select count(*) as count from ${table} ${where}`);
  return Number(row?.count ?? 0);
}

export async function readRemainingRows(connection: Connection): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const service of SERVICES_WITH_DATABASES) {
    for (const table of DRAINED_TABLES) {
      counts.set(`${service}.${table}`, await countRows(connection, `${databaseOf(service)}.${table}`));
    }
  }
  return counts;
}

/** Returns how many changes need a message, and how many messages exist. */
export async function readProgress(connection: Connection): Promise<{ due: number; sent: number }> {
  const actions = NOTIFIED_ACTIONS.map((action) => `'${action}'`).join();
  const where = `where json_value(entry, '$.action') in (${actions})`;
  const due = await countRows(connection, `${databaseOf('appointment')}.appointment_history`, where);
  return { due, sent: await countRows(connection, `${databaseOf('notification')}.messages`) };
}

const readAppointments = async (connection: Connection): Promise<AppointmentRow[]> =>
  (await rowsOf(connection, `select * from ${databaseOf('appointment')}.appointments order by id`)).map((row) => ({
    id: idFromBytes(row.id),
    patientId: idFromBytes(row.patient_id),
    doctorId: idFromBytes(row.doctor_id),
    startsAt: Number(row.starts_at),
    endsAt: Number(row.ends_at),
    status: String(row.status),
    sequence: Number(row.sequence),
    reason: String(row.reason),
    version: Number(row.version),
  }));

async function readHistory(connection: Connection): Promise<HistoryRow[]> {
  const table = `${databaseOf('appointment')}.appointment_history`;
  const rows = await rowsOf(connection, `select * from ${table} order by appointment_id, version`);
  return rows.map((row) => {
    const { action, sequence, to, reason } = JSON.parse(String(row.entry));
    return {
      ...{ appointmentId: idFromBytes(row.appointment_id), version: Number(row.version) },
      ...{ action, sequence, to, reason },
    };
  });
}

const readReservations = async (connection: Connection): Promise<ReservationRow[]> =>
  (await rowsOf(connection, `select * from ${databaseOf('appointment')}.reservations`)).map((row) => ({
    resourceId: idFromBytes(row.resource_id),
    cell: Number(row.cell),
    seat: Number(row.seat),
    holderId: idFromBytes(row.holder_id),
    expiresAt: row.expires_at === null ? null : Number(row.expires_at),
  }));

const readMessages = async (connection: Connection): Promise<MessageRow[]> =>
  (await rowsOf(connection, `select * from ${databaseOf('notification')}.messages order by id`)).map((row) => ({
    appointmentId: idFromBytes(row.appointment_id),
    sequence: Number(row.sequence),
    kind: String(row.kind),
    createdAt: Number(row.created_at),
  }));

export type DatabaseState = Omit<FinalState, 'calls' | 'queuedMessages' | 'recorded'>;

export async function readDatabases(connection: Connection): Promise<DatabaseState> {
  const holds = await rowsOf(connection, `select id from ${databaseOf('appointment')}.holds`);
  const patients = await rowsOf(connection, `select id, family_name from ${databaseOf('patient')}.patients`);
  return {
    appointments: await readAppointments(connection),
    history: await readHistory(connection),
    reservations: await readReservations(connection),
    holdIds: holds.map((row) => idFromBytes(row.id)),
    messages: await readMessages(connection),
    patients: patients.map((row) => ({ id: idFromBytes(row.id), key: String(row.family_name) })),
    remainingRows: await readRemainingRows(connection),
  };
}
