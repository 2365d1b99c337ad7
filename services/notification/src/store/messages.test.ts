import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Database, idToBytes, newId, openDatabase } from '@daybook/database';
import { expect, it } from 'vitest';
import { messages } from '../../migrations/0001-messages.ts';
import { migrations } from '../../migrations/index.ts';
import { appointmentData } from '../testing.ts';
import { createMessageStore, keepMessage } from './messages.ts';
import type { MessageRow, NotificationTables } from './tables.ts';

const now = Temporal.Instant.from('2026-11-02T08:00:00Z');

it('keeps the messages of an older Daybook, and shows them first', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-messages-'));
  const url = `sqlite:${join(folder, 'notification.sqlite')}`;
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(folder, { recursive: true }));
  const data = appointmentData();
  const oldRow = (kind: MessageRow['kind']): Omit<MessageRow, 'sequence'> => ({
    id: idToBytes(newId()),
    appointment_id: idToBytes(data.appointmentId),
    patient_id: idToBytes(data.patientId),
    kind,
    channel: 'in-app',
    status: 'delivered',
    created_at: now.epochMilliseconds,
  });
  const older: Database<{ messages: Omit<MessageRow, 'sequence'> }> = await openDatabase(url, (dialect) => ({
    '0001-messages': messages(dialect),
  }));
  for (const kind of ['booked', 'rescheduled'] as const) {
    await older.write((db) => db.insertInto('messages').values(oldRow(kind)).execute());
  }
  await older.close();

  const database = await openDatabase<NotificationTables>(url, migrations);
  stack.defer(() => database.close());
  await database.write((transaction) => keepMessage(transaction, 'cancelled', 3, data, now));
  const caller = { id: 'administrator', role: 'administrator' } as const;
  const kept = await createMessageStore(database).list(caller, data.appointmentId);
  expect(kept.map(({ kind }) => kind)).toEqual(['booked', 'rescheduled', 'cancelled']);
});
