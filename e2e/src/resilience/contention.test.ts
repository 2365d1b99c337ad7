/**
 * A thousand clients request the same time simultaneously, over sockets to one process.
 * No time is booked twice, a retry is harmless, and each refusal is a problem document with the nearest free slots.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { mapConcurrently } from '@daybook/async';
import type { DaybookClient, Schemas } from '@daybook/client';
import {
  clientOf,
  type DaybookProcess,
  halfHour,
  makeClinic,
  registerPatient,
  temporaryFolder,
} from '@daybook/testing';
import { startDaybookOnDatabase as startDaybook } from '@daybook/testing/system-database';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const CALLERS = 1000;
const RETRY_MILLIS = 200;
/** Ends requests that hang. `npm run bench` measures speed, because this machine may be busy. */
const CALL_TIMEOUT_MILLIS = 20_000;

interface CallResult {
  readonly status: number;
  readonly appointment: Schemas['Appointment'] | undefined;
  readonly problem: Schemas['Problem'] | undefined;
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let system: DaybookProcess;
let client: DaybookClient;
let patientIds: string[];

const registerMany = (count: number): Promise<string[]> =>
  mapConcurrently(16, [...Array(count).keys()], async () => (await registerPatient(client)).id);

interface Attempt {
  readonly signal: AbortSignal;
  readonly params: { readonly header: { readonly 'idempotency-key': string } };
}
type Send = (patientId: string, attempt: Attempt) => Promise<CallResult>;

/**
 * Sends a request with the same key until it is decided: a gateway that sheds load returns 503 without forwarding, and
 * on a busy machine some of a thousand take longer than the gateway waits.
 */
async function sendUntilDecided(send: Send, patientId: string, signal: AbortSignal): Promise<CallResult> {
  const params = { header: { 'idempotency-key': randomUUID() } };
  for (;;) {
    const result = await send(patientId, { signal, params });
    if (result.status !== 503 && result.status !== 504) return result;
    await sleep(RETRY_MILLIS, undefined, { signal });
  }
}

/** Sends all requests simultaneously, each with a timeout. */
const sendAll = (send: Send): Promise<CallResult[]> =>
  Promise.all(patientIds.map((id) => sendUntilDecided(send, id, AbortSignal.timeout(CALL_TIMEOUT_MILLIS))));

const statusesOf = (responses: readonly CallResult[]) =>
  Object.fromEntries(
    Map.groupBy(responses, ({ status }) => status)
      .entries()
      .map(([status, all]) => [status, all.length]),
  );

beforeAll(async () => {
  folder = await temporaryFolder();
  system = await startDaybook({ data: folder.path });
  client = clientOf(system);
  patientIds = await registerMany(CALLERS);
});

afterAll(async () => {
  await system.end();
  await folder[Symbol.asyncDispose]();
});

describe('a thousand bookings of one slot at once', () => {
  it.each([
    ['a visit for one', 1, halfHour(20)],
    ['a group of three', 3, halfHour(30)],
  ])('%s: as many succeed as there are seats, and all others get alternatives', async (_what, capacity, start) => {
    const { doctor } = await makeClinic(client);
    const { data: type } = await client.POST('/api/v1/appointment-types', {
      body: { name: `For ${capacity} ${doctor.id}`, durationMinutes: 30, capacity },
    });
    const bookingFields = { doctorId: doctor.id, appointmentTypeId: type?.id ?? '', start };
    const responses = await sendAll(async (patientId, attempt) => {
      const { response, data, error } = await client.POST('/api/v1/appointments', {
        body: { ...bookingFields, patientId },
        ...attempt,
      });
      return { status: response.status, appointment: data, problem: error };
    });
    expect(statusesOf(responses)).toEqual({ 201: capacity, 409: CALLERS - capacity });
    for (const { problem } of responses.filter(({ status }) => status === 409)) {
      expect(problem).toMatchObject({ code: 'slot-taken' });
      expect(problem?.alternatives).toHaveLength(5);
      for (const { start } of problem?.alternatives ?? []) expect(start).not.toBe(bookingFields.start);
    }
    const { data: booked } = await client.GET('/api/v1/appointments', { params: { query: { doctorId: doctor.id } } });
    expect(booked?.items).toHaveLength(capacity);
  });
});

describe('a thousand requests for the first free time of a specialty', () => {
  it('get a different one each while there are any, and the others get nothing-free', async () => {
    const specialty = 'hand-surgery';
    const { doctor, type } = await makeClinic(client);
    const body = { specialties: [specialty] };
    const change = (id: string) => client.PATCH('/api/v1/doctors/{id}', { params: { path: { id } }, body });
    await change(doctor.id);
    for (let more = 0; more < 11; more += 1) await change((await makeClinic(client)).doctor.id);
    const day = { from: halfHour(2 * 48), to: halfHour(3 * 48) };
    const responses = await sendAll(async (patientId, attempt) => {
      const bookingFields = { patientId, specialty, appointmentTypeId: type.id, ...day };
      const { response, data, error } = await client.POST('/api/v1/appointments/first-free', {
        body: bookingFields,
        ...attempt,
      });
      return { status: response.status, appointment: data, problem: error };
    });
    const places = 12 * 48;
    expect(statusesOf(responses)).toEqual({ 201: places, 409: CALLERS - places });
    const booked = responses.flatMap(({ appointment }) => (appointment ? [appointment] : []));
    expect(new Set(booked.map(({ doctorId, start }) => `${doctorId} ${start}`)).size).toBe(places);
    for (const { problem } of responses.filter(({ status }) => status === 409)) {
      expect(problem).toMatchObject({ code: 'nothing-free' });
    }
  });
});
