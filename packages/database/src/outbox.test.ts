import { describe, expect, it } from 'vitest';
import type { Database } from './database.ts';
import { idFromBytes, newId } from './id.ts';
import { appendEvent } from './outbox.ts';
import { asSharedTransaction } from './shared-tables.ts';
import { type NoteTables, temporaryDatabase } from './testing.ts';

const time = Temporal.Instant.from('2026-11-23T14:00:00.000Z');
const origin = { source: '/services/patient', time };
const registered = (patientId: string) => ({
  type: 'daybook.patient.registered.v1' as const,
  subject: patientId,
  sequence: 1,
  data: { patientId },
});
const outboxOf = (database: Database<NoteTables>) =>
  database.read((db) => db.selectFrom('outbox').selectAll().orderBy('position').execute());

describe('an event', () => {
  it('is stored with the change that it describes', async () => {
    await using file = await temporaryDatabase();
    const database = await file.open();
    const patientId = newId();
    await database.write(async (transaction) => {
      await transaction.updateTable('counter').set({ value: 1 }).execute();
      await appendEvent(asSharedTransaction(transaction), registered(patientId), {
        ...origin,
        traceparent: '00-1-2-01',
      });
    });
    const [row] = await outboxOf(await file.open());
    expect(row).toMatchObject({ created_at: time.epochMilliseconds });
    expect(idFromBytes(row?.subject ?? new Uint8Array())).toBe(patientId);
    expect(JSON.parse(row?.event ?? '')).toEqual({
      specversion: '1.0',
      id: idFromBytes(row?.event_id ?? new Uint8Array()),
      source: '/services/patient',
      type: 'daybook.patient.registered.v1',
      subject: patientId,
      time: '2026-11-23T14:00:00.000Z',
      datacontenttype: 'application/json',
      sequence: 1,
      traceparent: '00-1-2-01',
      data: { patientId },
    });
  });

  it('is not there when the change is not', async () => {
    await using file = await temporaryDatabase();
    const database = await file.open();
    const failing = database.write(async (transaction) => {
      await appendEvent(asSharedTransaction(transaction), registered(newId()), origin);
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await outboxOf(database)).toEqual([]);
  });

  it('is due once when its transaction had to run twice', async () => {
    await using file = await temporaryDatabase();
    const database = await file.open();
    let runs = 0;
    await database.write(async (transaction) => {
      runs += 1;
      await appendEvent(asSharedTransaction(transaction), registered(newId()), origin);
      if (runs === 1) throw Object.assign(new Error('Busy'), { errcode: 5, errno: 1213 });
    });
    expect(await outboxOf(database)).toHaveLength(1);
  });

  it('keeps its place in the order of the writes', async () => {
    await using file = await temporaryDatabase();
    const database = await file.open();
    const ids = Array.from({ length: 5 }, newId);
    for (const id of ids.toReversed()) {
      await database.write((transaction) => appendEvent(asSharedTransaction(transaction), registered(id), origin));
    }
    expect((await outboxOf(database)).map(({ subject }) => idFromBytes(subject))).toEqual(ids.toReversed());
  });
});
