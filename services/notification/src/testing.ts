/** Starts the notification service for this folder's tests, with a bus in memory. */
import { type AppointmentEventData, type CloudEvent, type EventType, MessageList } from '@daybook/contracts';
import { idFromBytes, idToBytes, newId, openDatabase } from '@daybook/database';
import { createInProcessBus } from '@daybook/messaging';
import { createLogger, createParser } from '@daybook/service';
import { ADMINISTRATOR, readAudit, requestsTo, type TestCaller, testAuthenticator } from '@daybook/service/testing';
import { cleanDatabase } from '@daybook/testing/databases';
import { expect, onTestFinished } from 'vitest';
import { migrations } from '../migrations/index.ts';
import { buildApp, NAME } from './app.ts';
import { appointmentMessagesConsumer } from './events/consumers.ts';
import type { NotificationTables } from './store/tables.ts';

const readMessages = createParser(MessageList);

export const appointmentData = (appointmentId = newId()): AppointmentEventData => ({
  appointmentId,
  patientId: newId(),
  doctorId: newId(),
  appointmentTypeId: newId(),
  start: '2026-11-23T14:00:00.000Z',
  end: '2026-11-23T14:30:00.000Z',
});

type Kind<T extends EventType = EventType> = T extends `daybook.appointment.${infer Name}.v1` ? Name : never;

/** Returns the time of a visit half an hour before. */
export const earlier = ({ doctorId }: Pick<AppointmentEventData, 'doctorId'>) => ({
  doctorId,
  start: '2026-11-23T13:30:00.000Z',
  end: '2026-11-23T14:00:00.000Z',
});

/** Returns an event as the appointment service publishes it. A rescheduled visit has a previous time. */
export const appointmentEvent = (kind: Kind, data: AppointmentEventData, sequence = 1): CloudEvent => ({
  specversion: '1.0',
  id: newId(),
  source: '/services/appointment',
  type: `daybook.appointment.${kind}.v1`,
  subject: data.appointmentId,
  time: '2026-11-02T08:00:00.000Z',
  datacontenttype: 'application/json',
  sequence,
  data: kind === 'rescheduled' ? { previous: earlier(data), ...data } : data,
});

export async function startNotifications() {
  const database = await openDatabase<NotificationTables>(await cleanDatabase('notification'), migrations);
  const logger = createLogger({ level: 'silent' });
  const time = { now: Temporal.Instant.from('2026-11-02T08:00:00.000Z') };
  const bus = createInProcessBus();
  const consumer = appointmentMessagesConsumer(database, () => time.now, logger);
  await bus.subscribe(consumer);
  bus.open();
  const app = await buildApp({
    logger,
    authenticator: testAuthenticator(NAME),
    database,
    bus: createInProcessBus(),
    clock: () => time.now,
    consumers: [consumer],
  });
  onTestFinished(async () => {
    await bus.close();
    await app.close();
    await database.close();
  });

  let caller: TestCaller = ADMINISTRATOR;
  const get = requestsTo(app, '/api/v1/notifications', () => caller);
  const call = (query: string) => get('GET', `?${query}`);

  return {
    app,
    database,
    bus,
    time,
    call,
    /** Requests a path below that of messages. */
    callAt: (path: string) => get('GET', path),
    /** Sends requests as this caller from now on. */
    become(other: TestCaller) {
      caller = other;
    },
    audit: () => readAudit(database),
    async messages(appointmentId: string) {
      const { status, body } = await call(`appointmentId=${appointmentId}`);
      expect(status).toBe(200);
      return readMessages(body).items;
    },
    /** Returns the recipients of an appointment's messages. */
    recipients: async (appointmentId: string) => {
      const rows = await database.read((db) =>
        db
          .selectFrom('messages')
          .select('patient_id')
          .where('appointment_id', '=', idToBytes(appointmentId))
          .orderBy('sequence')
          .execute(),
      );
      return rows.map(({ patient_id }) => idFromBytes(patient_id));
    },
    parked: () => database.read((db) => db.selectFrom('parked_events').selectAll().execute()),
  };
}
