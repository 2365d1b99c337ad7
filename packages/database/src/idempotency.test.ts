import { describe, expect, it } from 'vitest';
import { asSharedDatabase, type Database } from './database.ts';
import {
  findStoredResponse,
  IdempotencyKeyTaken,
  insertStoredResponse,
  RETENTION_HOURS,
  type StoredResponse,
} from './idempotency.ts';
import { asSharedTransaction } from './shared-tables.ts';
import { type NoteTables, temporaryDatabase } from './testing.ts';

const response: StoredResponse = {
  fingerprint: new Uint8Array([1, 2, 3]),
  status: 201,
  headers: { 'content-type': 'application/json', location: '/api/v1/patients/1' },
  body: '{"name":"Zoë"}',
};

const store = (database: Database<NoteTables>, caller: string, key: string, stored: StoredResponse = response) =>
  database.write((transaction) =>
    insertStoredResponse(database.dialect, asSharedTransaction(transaction), caller, key, stored),
  );
const find = (database: Database<NoteTables>, caller: string, key: string) =>
  findStoredResponse(asSharedDatabase(database), caller, key);

/** Ages every stored response by some hours. */
const age = (database: Database<NoteTables>, hours: number) =>
  database.write((transaction) =>
    transaction
      .updateTable('idempotency_keys')
      .set((row) => ({ created_at: row('created_at', '-', hours * 3_600_000) }))
      .execute(),
  );

describe('a stored response', () => {
  it('is found by the same caller and key, as it was', async () => {
    await using file = await temporaryDatabase();
    const database = await file.open();
    await store(database, 'ana', 'k1');
    const found = await find(database, 'ana', 'k1');
    expect(found).toEqual(response);
  });

  it('is not found by another caller or another key', async () => {
    await using file = await temporaryDatabase();
    const database = await file.open();
    await store(database, 'ana', 'k1');
    expect(await find(database, 'noor', 'k1')).toBeUndefined();
    expect(await find(database, 'ana', 'K1')).toBeUndefined();
  });

  it('is stored with the change that it confirms, or not at all', async () => {
    await using file = await temporaryDatabase();
    const database = await file.open();
    const failing = database.write(async (transaction) => {
      await insertStoredResponse(database.dialect, asSharedTransaction(transaction), 'ana', 'k1', response);
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await find(database, 'ana', 'k1')).toBeUndefined();
  });

  it('undoes the change of the request that comes second with its key', async () => {
    await using file = await temporaryDatabase();
    const database = await file.open();
    await store(database, 'ana', 'k1');
    const second = database.write(async (transaction) => {
      await transaction.updateTable('counter').set({ value: 1 }).execute();
      await insertStoredResponse(database.dialect, asSharedTransaction(transaction), 'ana', 'k1', {
        ...response,
        body: 'second',
      });
    });
    await expect(second).rejects.toThrow(IdempotencyKeyTaken);
    expect(await database.read((db) => db.selectFrom('counter').selectAll().execute())).toEqual([{ value: 0 }]);
    expect(await find(database, 'ana', 'k1')).toEqual(response);
  });

  it('is forgotten after 24 hours, and its key can be used again', async () => {
    await using file = await temporaryDatabase();
    const database = await file.open();
    await store(database, 'ana', 'k1');
    await age(database, RETENTION_HOURS - 1);
    expect(await find(database, 'ana', 'k1')).toEqual(response);
    await age(database, 1);
    expect(await find(database, 'ana', 'k1')).toBeUndefined();
    await store(database, 'ana', 'k1', { ...response, body: 'new' });
    expect(await find(database, 'ana', 'k1')).toMatchObject({ body: 'new' });
  });
});
