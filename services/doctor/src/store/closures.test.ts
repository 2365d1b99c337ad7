import { storeNoResponse } from '@daybook/database';
import { expect, it } from 'vitest';
import { hours, noor, startDoctors } from '../testing.ts';
import { createAvailabilityStore } from './availability.ts';
import { createClosureStore } from './closures.ts';

const administrator = { id: 'somebody', role: 'administrator', patientIds: [] } as const;
const write = { storeResponse: storeNoResponse, checkVersion: () => undefined };
const at = (instant: string): number => Temporal.Instant.from(instant).epochMilliseconds;
const DAY = 86_400_000;
const range = { start: at('2026-12-25T00:00:00Z'), end: at('2026-12-26T00:00:00Z') };

async function startStores() {
  const service = await startDoctors();
  const { database, time } = service;
  const closures = createClosureStore(
    database,
    () => time.now,
    () => undefined,
  );
  return {
    ...service,
    closures,
    availability: createAvailabilityStore(database),
    close: (startDate: string, endDate = startDate) =>
      closures.add(administrator, { startDate, endDate, reason: 'Holiday' }, write),
  };
}

it('the closures that overlap a range come with the working time of one doctor, and of each of many', async () => {
  const { availability, close, register } = await startStores();
  const { id } = await register({ ...noor, specialties: ['surgery'] });
  await register({ ...noor, specialties: ['surgery'] });
  for (const day of ['2026-12-24', '2026-12-26']) await close(day);
  await close('2025-12-25', '2026-12-25');
  await close('2026-12-25', '2027-12-25');
  const closures = [
    { start: range.start - 365 * DAY, end: range.end },
    { start: range.start, end: range.end + 365 * DAY },
  ];
  expect(await availability.find(administrator, id, range)).toMatchObject({ doctorId: id, closures });
  const { items } = await availability.search(administrator, { specialty: 'surgery' }, range);
  expect(items.map((item) => item.closures)).toEqual([closures, closures]);
});

it('availability that is read after a closure was confirmed never offers its days, before any event', async () => {
  const { availability, close, registerWith, announcer, read } = await startStores();
  await announcer.close();
  const { id } = await registerWith({ timeZone: 'UTC', weeklyHours: [hours('friday', '09:00', '12:00')] });
  const { version } = await read(id);
  await close('2026-12-25');
  expect(await availability.find(administrator, id, range)).toMatchObject({ version, closures: [range] });
});
