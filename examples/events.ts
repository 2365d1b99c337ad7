/**
 * Counts the bookings and cancellations of each doctor from the events of Daybook on RabbitMQ.
 * docs/asyncapi.json describes the events. The address of RabbitMQ is `AMQP_URL`.
 */
import { DatabaseSync } from 'node:sqlite';
import { connect } from 'amqplib';

const AMQP_URL = process.env.AMQP_URL ?? 'amqp://guest:guest@127.0.0.1:5672';
const EXCHANGE = 'daybook.events';
const QUEUE = 'example.statistics';
/** The routing keys: the addresses of the channels in docs/asyncapi.json. */
const KEYS = ['appointment.booked', 'appointment.cancelled'];
/** Events that are read, but not yet acknowledged. */
const PREFETCH = 50;

interface AppointmentEvent {
  /** The same when the event comes again. */
  readonly id: string;
  /** `daybook.appointment.booked.v1` */
  readonly type: string;
  readonly data: { readonly appointmentId: string; readonly doctorId: string };
}

const database = new DatabaseSync(process.env.STATISTICS_FILE ?? 'statistics.sqlite');
database.exec(`
  CREATE TABLE IF NOT EXISTS handled_events (id TEXT PRIMARY KEY, handled_at TEXT DEFAULT CURRENT_TIMESTAMP);
  CREATE TABLE IF NOT EXISTS statistics (doctor_id TEXT, type TEXT, count INTEGER, PRIMARY KEY (doctor_id, type));
  DELETE FROM handled_events WHERE handled_at < datetime('now', '-30 days')`);
const remember = database.prepare('INSERT INTO handled_events (id) VALUES (?) ON CONFLICT DO NOTHING');
const count = database.prepare(
  'INSERT INTO statistics VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1 RETURNING count',
);

/**
 * Counts an event once, although it may come again.
 * One transaction holds its id and its effect, so both are stored or none.
 */
function handle({ id, type, data }: AppointmentEvent): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    const isNew = remember.run(id).changes === 1;
    const row = isNew ? count.get(data.doctorId, type) : undefined;
    database.exec('COMMIT');
    console.log(row ? `doctor ${data.doctorId}: ${row.count} of ${type}` : `event ${id} came again`);
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}

const connection = await connect(AMQP_URL);
const channel = await connection.createChannel();
// As Daybook declares it, so that either may start first.
await channel.assertExchange(EXCHANGE, 'topic', { durable: true });
// The broker keeps the events of a durable queue while this program does not run.
await channel.assertQueue(QUEUE, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
for (const key of KEYS) await channel.bindQueue(QUEUE, EXCHANGE, key);
await channel.prefetch(PREFETCH);

/** Ends the program. Its supervisor restarts it, and the broker delivers again what was not acknowledged. */
function fail(error: unknown): never {
  console.error(error);
  process.exit(1);
}
connection.on('error', fail);
connection.on('close', fail);

await channel.consume(QUEUE, (message) => {
  if (!message) return fail('the queue was deleted');
  try {
    handle(JSON.parse(message.content.toString('utf8')));
  } catch (error) {
    fail(error);
  }
  // After the commit: an event that is lost in between comes again.
  channel.ack(message);
});
console.log(`counts the events of ${QUEUE}`);
