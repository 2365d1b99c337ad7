/** The messages of one appointment are read by an index, in order, as the plans of the present database show. */
import { idToBytes, newId } from '@daybook/database';
import { openObserved } from '@daybook/database/testing/query-plans';
import { expect, it } from 'vitest';
import { migrations } from '../../migrations/index.ts';
import { createMessageStore } from './messages.ts';
import type { MessageRow, NotificationTables } from './tables.ts';

const APPOINTMENTS = 1000;
const MESSAGES_OF_EACH = 4;

it('no read of the messages about an appointment reads those about others, or sorts them', async () => {
  const { database, observed, analyze, count, faults } = await openObserved<NotificationTables>(migrations);
  const ids = Array.from({ length: APPOINTMENTS }, newId);
  const rows = ids.flatMap((id) =>
    Array.from(
      { length: MESSAGES_OF_EACH },
      (_, sequence): MessageRow => ({
        id: idToBytes(newId()),
        appointment_id: idToBytes(id),
        patient_id: idToBytes(id),
        doctor_id: idToBytes(id),
        kind: 'booked',
        channel: 'in-app',
        status: 'delivered',
        created_at: 0,
        sequence,
      }),
    ),
  );
  await database.write(async (tx) => {
    for (let from = 0; from < rows.length; from += 500) {
      await tx
        .insertInto('messages')
        .values(rows.slice(from, from + 500))
        .execute();
    }
  });
  await analyze();
  const store = createMessageStore(observed);
  const { items } = await store.list({ id: 'somebody', role: 'front-desk', patientIds: [] }, ids[7] ?? '');
  expect(items).toHaveLength(4);
  expect(count()).toBe(1);
  expect(await faults()).toEqual([]);
});
