/** Closes the clinic over booked appointments, through the gateway, every service and the bus. */
import { createClient, type DaybookClient, expectData } from '@daybook/client';
import { type Clinic, halfHour, makeClinic, registerPatient, startDaybook, temporaryFolder } from '@daybook/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';

const DEADLINE = { timeout: 20_000 };
const HALF_HOURS_A_DAY = 48;

const stack = new AsyncDisposableStack();
let url: string;
let client: DaybookClient;

beforeAll(async () => {
  const folder = stack.use(await temporaryFolder());
  const daybook = await startDaybook({ data: folder.path, readyWithinMillis: 60_000 });
  stack.defer(async () => void (await daybook.end()));
  url = daybook.url;
  client = createClient({ baseUrl: url, token: () => daybook.tokenFor() });
}, 90_000);
afterAll(() => stack.disposeAsync());

const bookingOf = ({ doctor, patient, type }: Clinic, n: number) => ({
  patientId: patient.id,
  doctorId: doctor.id,
  appointmentTypeId: type.id,
  start: halfHour(n),
});

async function book(clinic: Clinic, n: number): Promise<string> {
  return expectData(await client.POST('/api/v1/appointments', { body: bookingOf(clinic, n) })).id;
}

/** Returns the appointments that need rescheduling, with their reasons. */
async function flagged(): Promise<Record<string, string[] | undefined>> {
  const query = { needsRescheduling: true };
  const { items } = expectData(await client.GET('/api/v1/appointments', { params: { query } }));
  return Object.fromEntries(items.map(({ id, reschedulingReasons }) => [id, reschedulingReasons]));
}

it('a closure flags the appointments of every doctor on its days, refuses others, and undoes both when it is removed', async () => {
  const clinics = [await makeClinic(client), await makeClinic(client), await makeClinic(client)];
  const [first] = clinics;
  if (!first) throw new Error('no clinic was made');
  const onDay = await Promise.all(clinics.map((clinic) => book(clinic, HALF_HOURS_A_DAY + 20)));
  for (const clinic of clinics) await book(clinic, 20);
  const day = halfHour(HALF_HOURS_A_DAY).slice(0, '2026-12-25'.length);
  const body = { startDate: day, endDate: day, reason: 'Holiday' };
  const closure = expectData(await client.POST('/api/v1/clinic/closures', { body }));

  const late = { ...bookingOf(first, HALF_HOURS_A_DAY + 24), patientId: (await registerPatient(client)).id };
  const refused = await client.POST('/api/v1/appointments', { body: late });
  expect(refused.error).toMatchObject({ status: 422, code: 'clinic-closed' });
  expect(refused.error?.alternatives).toHaveLength(5);
  const { doctorId, appointmentTypeId, start } = late;
  const query = { doctorId, appointmentTypeId, start };
  const explained = expectData(await client.GET('/api/v1/slots/explanation', { params: { query } }));
  expect(explained.reasons).toMatchObject([{ code: 'clinic-closed' }]);
  const range = { doctorId, appointmentTypeId, from: closure.start, to: closure.end };
  const slots = async () => expectData(await client.GET('/api/v1/slots', { params: { query: range } })).items;
  expect(await slots()).toEqual([]);
  const expected = Object.fromEntries(onDay.map((id) => [id, ['clinic-closed']]));
  await expect.poll(flagged, DEADLINE).toEqual(expected);

  const removed = await client.DELETE('/api/v1/clinic/closures/{id}', { params: { path: { id: closure.id } } });
  expect(removed.response.status).toBe(204);
  expect(await slots()).not.toEqual([]);
  await expect.poll(flagged, DEADLINE).toEqual({});
});

it('the clinic is shown without signing in, and its closures are not', async () => {
  const clinic = await fetch(`${url}/api/v1/clinic`);
  expect([clinic.status, await clinic.json()]).toMatchObject([200, { name: 'Daybook clinic', timeZone: 'UTC' }]);
  const closures = await fetch(`${url}/api/v1/clinic/closures`);
  expect(closures.status).toBe(401);
  await closures.body?.cancel();
});
