/** On a full disk no change is confirmed or half stored, and the system continues when space is available. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expectData } from '@daybook/client';
import {
  bearerOf,
  canLimitFileSize,
  clientOf,
  type DaybookProcess,
  halfHour,
  limitFileSize,
  makeClinic,
  serviceUrls,
  startDaybook,
  temporaryFolder,
} from '@daybook/testing';
import { describe, expect, it } from 'vitest';

const MEBIBYTE = 1024 * 1024;
const FAILING_WRITES = 300;
const MOST_REGISTRATIONS = 2_000;
const DELIVERY_TIMEOUT_MILLIS = 30_000;

interface TestRequest {
  method?: string;
  path: string;
  body: object;
  key?: string;
}

async function send(daybook: DaybookProcess, { method = 'POST', path, body, key }: TestRequest) {
  const response = await fetch(daybook.url + path, {
    method,
    headers: {
      'content-type': 'application/json',
      ...(await bearerOf(daybook)),
      ...(key !== undefined && { 'idempotency-key': key }),
    },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text };
}

async function expectRefused(daybook: DaybookProcess, bookingFields: TestRequest): Promise<void> {
  const { status, headers, text } = await send(daybook, bookingFields);
  expect(text, bookingFields.path).toContain('"code":"service-unavailable"');
  expect([status, headers.get('retry-after')], bookingFields.path).toEqual([503, '1']);
}

const readiness = async (url: string | undefined) => (await fetch(`${url}/health/ready`)).status;

async function memoryOf({ pid }: DaybookProcess): Promise<number> {
  const [, kibibytes] = /VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kibibytes) * 1024;
}

/** Returns the rows of a query. */
function rowsOf(folder: string, service: string, query: string): Record<string, unknown>[] {
  const database = new DatabaseSync(join(folder, `${service}.sqlite`), { readOnly: true });
  try {
    return database.prepare(query).all();
  } finally {
    database.close();
  }
}

/** Expects consistent files, as when every change was stored whole or not at all. */
function expectWhole(folder: string): void {
  const none = (service: string, query: string) => expect(rowsOf(folder, service, query), query).toEqual([]);
  for (const service of ['patient', 'doctor', 'appointment', 'notification']) {
    expect(rowsOf(folder, service, 'pragma integrity_check')).toEqual([{ integrity_check: 'ok' }]);
    none(service, 'select * from outbox');
    none(service, 'select * from parked_events');
  }
  none('patient', 'select id from patients where id not in (select resource_id from search_terms)');
  none('patient', 'select resource_id from search_terms where resource_id not in (select id from patients)');
  none('patient', 'select key from idempotency_keys where status = 201 and body not like \'%"id":%\'');
  const held = 'select holder_id from reservations where holder_id';
  none('appointment', `${held} not in (select id from appointments union select id from holds)`);
  none('appointment', `${held} in (select id from appointments where status = 'cancelled')`);
  none(
    'appointment',
    `select id from appointments where status = 'booked' and
      (select count(distinct resource_id) from reservations where holder_id = appointments.id) <> 2`,
  );
  none('appointment', 'select id from appointments where id not in (select appointment_id from appointment_history)');
}

/** Waits until every event is delivered. After a failure a retry may be late. */
async function waitUntilDelivered(folder: string): Promise<void> {
  for (const service of ['patient', 'doctor', 'appointment']) {
    const waiting = () => rowsOf(folder, service, 'select event_id from outbox').length;
    await expect.poll(waiting, { timeout: DELIVERY_TIMEOUT_MILLIS }).toBe(0);
  }
}

/** Returns the number of rows of a table. */
const countOf = (folder: string, service: string, table: string): unknown =>
  rowsOf(folder, service, `select count(*) as n from ${table}`)[0]?.n;

async function messagesOf(daybook: DaybookProcess, appointmentId: string): Promise<string[]> {
  const query = { appointmentId };
  const response = await clientOf(daybook).GET('/api/v1/notifications', { params: { query } });
  return response.data?.items.map(({ kind }) => kind) ?? [];
}

/** Starts a clinic with two appointments, whose events have all been consumed. */
async function startWithClinic(folder: string) {
  const daybook = await startDaybook({ data: folder });
  const client = clientOf(daybook);
  const clinic = await makeClinic(client);
  const bookingFields = { patientId: clinic.patient.id, doctorId: clinic.doctor.id, appointmentTypeId: clinic.type.id };
  const booked = [];
  for (const n of [0, 1]) {
    booked.push(
      expectData(await client.POST('/api/v1/appointments', { body: { ...bookingFields, start: halfHour(n) } })).id,
    );
  }
  for (const id of booked) {
    await expect.poll(() => messagesOf(daybook, id), { timeout: DELIVERY_TIMEOUT_MILLIS }).toEqual(['booked']);
  }
  const [cancelled = '', unchanged = ''] = booked;
  return { daybook, clinic, bookingFields, cancelled, unchanged, services: await serviceUrls(folder) };
}

const ana = { givenName: 'Ana', familyName: 'Silva', birthDate: '1990-02-01', confirmedNew: true };

// Skipped with a message in the name where the machine does not support it.
const where = canLimitFileSize ? '' : ' (skipped: this machine has no prlimit to make writes fail with)';

describe.skipIf(!canLimitFileSize)(`a disk that is full${where}`, { timeout: 120_000 }, () => {
  it('refuses changes and reads that it cannot record, still shows times, and does a repeated request once when there is space', async () => {
    await using folder = await temporaryFolder();
    const { daybook, clinic, bookingFields, cancelled, unchanged, services } = await startWithClinic(folder.path);
    const changes: TestRequest[] = [
      { path: '/api/v1/appointments', body: { ...bookingFields, start: halfHour(2) } },
      { path: '/api/v1/patients', body: ana },
      { path: `/api/v1/appointments/${cancelled}/cancel`, body: { reason: 'better' } },
      {
        path: `/api/v1/doctors/${clinic.doctor.id}/exceptions`,
        body: { kind: 'time-off', start: halfHour(90), end: halfHour(91) },
      },
    ];
    const keyed = changes.map((change, index) => ({ ...change, key: `key-${index}` }));
    // The audit trail needs a record of each of these, before staff sees the response.
    const recordedReads = [
      `/api/v1/patients/${clinic.patient.id}`,
      `/api/v1/appointments/${unchanged}/history`,
      '/api/v1/appointments',
    ];
    const reads = [
      '/api/v1/doctors',
      `/api/v1/doctors/${clinic.doctor.id}/schedule`,
      `/api/v1/slots?doctorId=${clinic.doctor.id}&appointmentTypeId=${clinic.type.id}&from=${halfHour(0)}&to=${halfHour(9)}`,
    ];

    limitFileSize(daybook.pid, 0);
    for (const change of [...keyed, ...changes]) await expectRefused(daybook, change);
    await expectRefused(daybook, {
      method: 'PATCH',
      path: `/api/v1/patients/${clinic.patient.id}`,
      body: { active: false },
    });
    const headers = await bearerOf(daybook);
    const statusOf = async (path: string, init: RequestInit) => (await fetch(daybook.url + path, init)).status;
    for (const path of reads) expect(await statusOf(path, { headers }), path).toBe(200);
    for (const path of recordedReads) expect(await statusOf(path, { headers }), path).toBe(503);
    const token = await daybook.tokenFor({ role: 'patient', id: clinic.patient.id });
    const asPatient = { headers: { authorization: `Bearer ${token}` } };
    for (const path of recordedReads) expect(await statusOf(path, asPatient), path).toBe(200);
    for (const service of ['patient-service', 'doctor-service', 'appointment-service']) {
      expect(await readiness(services.get(service)), service).toBe(503);
      expect((await fetch(`${services.get(service)}/health/live`)).status).toBe(200);
    }

    const before = await memoryOf(daybook);
    for (let n = 0; n < FAILING_WRITES; n += 1) await expectRefused(daybook, { path: '/api/v1/patients', body: ana });
    expect((await memoryOf(daybook)) - before).toBeLessThan(100 * MEBIBYTE);

    limitFileSize(daybook.pid, 'unlimited');
    // Only the readiness probe writes, so it alone can detect the failure.
    for (const [service, url] of services) expect(await readiness(url), service).toBe(200);
    const done = [];
    for (const change of keyed) done.push(await send(daybook, change));
    expect(done.map(({ status }) => status)).toEqual([201, 201, 200, 201]);
    for (const [index, change] of keyed.entries()) {
      const again = await send(daybook, change);
      expect(again.headers.get('idempotency-replayed')).toBe('true');
      expect(again.text).toBe(done[index]?.text);
    }
    const { id }: { id: string } = JSON.parse(done[0]?.text ?? '');
    const expectMessages = (appointmentId: string) =>
      expect.poll(() => messagesOf(daybook, appointmentId), { timeout: DELIVERY_TIMEOUT_MILLIS });
    await expectMessages(id).toEqual(['booked']);
    await expectMessages(cancelled).toEqual(['booked', 'cancelled']);
    await expectMessages(unchanged).toEqual(['booked']);

    await waitUntilDelivered(folder.path);
    expect(await daybook.end()).toEqual({ code: 0, signal: null });
    expect(daybook.output()).not.toMatch(/unexpected error|Silva|better/);
    expectWhole(folder.path);
    expect(countOf(folder.path, 'appointment', 'appointments')).toBe(3);
    expect(countOf(folder.path, 'patient', 'patients')).toBe(2);
    expect(countOf(folder.path, 'notification', 'messages')).toBe(4);
  });

  it('that fills up behind a booking loses nothing of what follows from it', async () => {
    await using folder = await temporaryFolder();
    const { daybook, bookingFields } = await startWithClinic(folder.path);
    const confirmed: string[] = [];
    for (let n = 2; n < 8; n += 1) {
      const body = { ...bookingFields, start: halfHour(n) };
      const booking = send(daybook, { path: '/api/v1/appointments', body });
      // Varies the moment between response, event, handling and removal, each of which must be safe.
      if (n % 2 === 0) await booking;
      limitFileSize(daybook.pid, 0);
      const { status, text } = await booking;
      expect([201, 503]).toContain(status);
      if (status === 201) confirmed.push(JSON.parse(text).id);
      await expectRefused(daybook, {
        path: '/api/v1/appointments',
        body: { ...bookingFields, start: halfHour(n + 20) },
      });
      limitFileSize(daybook.pid, 'unlimited');
    }
    expect(confirmed.length).toBeGreaterThanOrEqual(3);
    for (const id of confirmed) {
      await expect.poll(() => messagesOf(daybook, id), { timeout: DELIVERY_TIMEOUT_MILLIS }).toEqual(['booked']);
    }
    await waitUntilDelivered(folder.path);
    expect(await daybook.end()).toEqual({ code: 0, signal: null });
    expectWhole(folder.path);
    expect(countOf(folder.path, 'appointment', 'appointments')).toBe(2 + confirmed.length);
    expect(countOf(folder.path, 'notification', 'messages')).toBe(2 + confirmed.length);
  });

  it('of one service leaves the others at work', async () => {
    await using folder = await temporaryFolder();
    const { daybook, bookingFields, services } = await startWithClinic(folder.path);
    const files = ['identity', 'patient', 'doctor', 'appointment', 'notification'].flatMap((name) => [
      `${name}.sqlite`,
      `${name}.sqlite-wal`,
    ]);
    const sizes = await Promise.all(files.map(async (name) => (await stat(join(folder.path, name))).size));
    limitFileSize(daybook.pid, Math.max(...sizes) + MEBIBYTE);
    // Long records fill the patient service long before identity is filled by its records of who registered them.
    const long = { ...ana, address: { lines: Array.from({ length: 5 }, (_, n) => `${n}`.repeat(200)) } };
    let registered = 0;
    while ((await send(daybook, { path: '/api/v1/patients', body: long, key: `${registered}` })).status === 201) {
      registered += 1;
      expect(registered).toBeLessThan(MOST_REGISTRATIONS);
    }
    await expectRefused(daybook, { path: '/api/v1/patients', body: long });
    const ready = async () =>
      Object.fromEntries(await Promise.all([...services].map(async ([name, url]) => [name, await readiness(url)])));
    expect(await ready()).toEqual({
      ...Object.fromEntries([...services.keys()].map((name) => [name, 200])),
      'patient-service': 503,
    });
    const booking = await send(daybook, {
      path: '/api/v1/appointments',
      body: { ...bookingFields, start: halfHour(3) },
    });
    expect(booking.status).toBe(201);
    const { id }: { id: string } = JSON.parse(booking.text);
    await expect.poll(() => messagesOf(daybook, id), { timeout: DELIVERY_TIMEOUT_MILLIS }).toEqual(['booked']);

    limitFileSize(daybook.pid, 'unlimited');
    expect(await readiness(services.get('patient-service'))).toBe(200);
    expect((await send(daybook, { path: '/api/v1/patients', body: ana })).status).toBe(201);
    await waitUntilDelivered(folder.path);
    expect(await daybook.end()).toEqual({ code: 0, signal: null });
    expectWhole(folder.path);
    expect(countOf(folder.path, 'patient', 'patients')).toBe(1 + registered + 1);
  });
});
