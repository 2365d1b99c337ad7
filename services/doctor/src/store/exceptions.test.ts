import { MAX_AVAILABILITY_DAYS } from '@daybook/contracts';
import { idToBytes, newId, storeNoResponse } from '@daybook/database';
import { describe, expect, it } from 'vitest';
import { off, startDoctors } from '../testing.ts';
import { createExceptionStore, MAX_OVERLAPPING } from './exceptions.ts';
import type { ScheduleExceptionRow } from './tables.ts';

const DAY = 86_400_000;
const at = (instant: string): number => Temporal.Instant.from(instant).epochMilliseconds;
const iso = (millis: number): string => Temporal.Instant.fromEpochMilliseconds(millis).toString();
const write = { storeResponse: storeNoResponse, checkVersion: () => undefined };
const staff = { id: 'somebody', role: 'front-desk', patientIds: [] } as const;
const noon = at('2026-06-01T12:00:00.000Z');
const lunch = off(iso(noon), iso(noon + DAY));

async function startStore() {
  const service = await startDoctors();
  const store = createExceptionStore(service.database, () => service.time.now);
  const { id } = await service.register();
  const row = (start: number, end: number): ScheduleExceptionRow => ({
    id: idToBytes(newId()),
    doctor_id: idToBytes(id),
    kind: 'time-off',
    starts_at: start,
    ends_at: end,
    reason: null,
    created_at: 0,
  });
  const insert = (rows: ScheduleExceptionRow[]) =>
    service.database.write((transaction) => transaction.insertInto('schedule_exceptions').values(rows).execute());
  return { ...service, store, id, row, insert };
}

it('a patient neither reads nor changes exceptions', async () => {
  const { store, id } = await startStore();
  const { id: exceptionId } = await store.add(staff, id, { ...lunch, reason: 'knee' }, write);
  const patient = { id: 'ana', role: 'patient', patientIds: [] } as const;
  const forbidden = { code: 'forbidden' };
  await expect(store.add(patient, id, lunch, write)).rejects.toMatchObject(forbidden);
  await expect(store.list(patient, id, {})).rejects.toMatchObject(forbidden);
  await expect(store.remove(patient, id, exceptionId, write)).rejects.toMatchObject(forbidden);
  expect(await store.list(staff, id, {})).toMatchObject({ items: [{ id: exceptionId }] });
});

describe('the exceptions around one time', () => {
  it('are as many as can be computed with: more cannot be added around one time', async () => {
    const { store, id, row, insert, open, call } = await startStore();
    const edge = noon + (MAX_AVAILABILITY_DAYS + 1) * DAY;
    const rows = Array.from({ length: MAX_OVERLAPPING - 1 }, (_, index) => row(edge - 1 - index, edge));
    await insert(rows);
    await store.add(staff, id, lunch, write);
    expect(await open(id, iso(noon), iso(noon + MAX_AVAILABILITY_DAYS * DAY))).toEqual([]);
    expect(await call('POST', `/${id}/exceptions`, lunch)).toMatchObject({
      status: 422,
      body: { code: 'too-many-exceptions' },
    });
    // A range of availability cannot contain both this exception and those.
    const early = noon - 2000;
    await store.add(staff, id, off(iso(early - DAY), iso(early)), write);
  });

  it('are refused, not cut, should a database hold more anyway', async () => {
    const { id, row, insert, call } = await startStore();
    await insert(Array.from({ length: MAX_OVERLAPPING + 1 }, () => row(noon, noon + 1)));
    const range = (from: number) => new URLSearchParams({ from: iso(from), to: iso(noon + DAY) });
    expect(await call('GET', `/${id}/availability?${range(noon)}`)).toMatchObject({
      status: 422,
      body: { code: 'range-too-long' },
    });
    expect(await call('GET', `/${id}/availability?${range(noon + 1)}`)).toMatchObject({ status: 200 });
  });
});
