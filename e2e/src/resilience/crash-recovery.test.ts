/**
 * No confirmed change is lost.
 * The process is killed at random points under load, repeatedly on the same data folder.
 * At the end, responses, stored data and events must agree.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DaybookClient, Schemas } from '@daybook/client';
import { clientOf, halfHour, makeClinic, registerPatient, temporaryFolder } from '@daybook/testing';
import { databaseKind } from '@daybook/testing/databases';
import { rowsOf, startDaybookOnDatabase as startDaybook } from '@daybook/testing/system-database';
import { expect, it } from 'vitest';
import { randomNumbers } from '../support/random.ts';

/** `DAYBOOK_CRASH_KILLS` makes a longer run. */
const KILLS = Number(process.env.DAYBOOK_CRASH_KILLS ?? (databaseKind === 'sqlite' ? 12 : 8));
const WORKERS = 8;
const DOCTORS = 3;
/** The number of contested half hours. */
const START_TIMES = 400;
const LONGEST_LIFE_MILLIS = 400;
/** Determines the operations. The timing of responses stays random. */
const SEED = 20_261_122;

type Appointment = Schemas['Appointment'];

/** A call that is repeated with the same key until a response arrives. */
interface Call {
  readonly key: string;
  make(client: DaybookClient, key: string): Promise<{ response: Response; data?: Appointment | undefined }>;
}

interface Clinic {
  readonly doctorIds: readonly string[];
  readonly typeId: string;
}

/** Creates a client that books for one patient, moves and cancels in sequence, and records the responses. */
function createWorker(patientId: string, { doctorIds, typeId }: Clinic, random: () => number) {
  const known = new Map<string, Appointment>();
  let pendingCall: Call | undefined;
  let calls = 0;
  let responses = 0;
  const pick = <Item>(list: readonly Item[]): Item | undefined => list[Math.floor(random() * list.length)];
  const bookingFields = () => ({
    doctorId: pick(doctorIds) ?? '',
    start: halfHour(Math.floor(random() * START_TIMES)),
  });

  function nextCall(): Call {
    calls += 1;
    const key = `${patientId}-${calls}`;
    const header = { params: { header: { 'idempotency-key': key } } };
    const own = pick([...known.values()].filter(({ status }) => status === 'booked'));
    const what = random();
    if (!own || what < 0.6) {
      const body = { patientId, appointmentTypeId: typeId, ...bookingFields() };
      return { key, make: (client) => client.POST('/api/v1/appointments', { ...header, body }) };
    }
    const params = { ...header.params, path: { id: own.id } };
    if (what < 0.8) {
      const body = bookingFields();
      return { key, make: (client) => client.POST('/api/v1/appointments/{id}/reschedule', { params, body }) };
    }
    const body = { reason: 'changed my mind' };
    return { key, make: (client) => client.POST('/api/v1/appointments/{id}/cancel', { params, body }) };
  }

  return {
    /** The last response about each appointment. */
    known,
    isSettled: () => pendingCall === undefined,
    countResponses: () => responses,
    /** Sends calls until the system is gone. The next `work` repeats a call without a response. */
    async work(client: DaybookClient, until: AbortSignal): Promise<void> {
      while (!until.aborted || pendingCall) {
        pendingCall ??= nextCall();
        const response = await pendingCall.make(client, pendingCall.key).catch(() => undefined);
        // 503 means that a dependency stopped first. Any other status is a decisive response.
        if (!response || response.response.status === 503) {
          if (until.aborted) return;
          continue;
        }
        expect([200, 201, 409]).toContain(response.response.status);
        if (response.data) known.set(response.data.id, response.data);
        pendingCall = undefined;
        responses += 1;
      }
    },
  };
}

const CELLS_WITHOUT_APPOINTMENT = `
  select count(*) as wrong from reservations r
  left join appointments a on a.id = r.holder_id and a.status = 'booked'
    and r.cell >= a.starts_at / 300000 and r.cell < a.ends_at / 300000
    and r.resource_id in (a.doctor_id, a.patient_id)
  where a.id is null`;
const APPOINTMENTS_WITHOUT_CELLS = `
  select count(*) as wrong from appointments a
  where (select count(*) from reservations r where r.holder_id = a.id)
    <> case a.status when 'booked' then 2 * (a.ends_at - a.starts_at) / 300000 else 0 end`;

/** Returns each change of an appointment as `id action`, sorted. */
async function changesOf(folder: string): Promise<string[]> {
  const rows = await rowsOf(folder, 'appointment', 'select hex(appointment_id) as id, entry from appointment_history');
  return rows.map(({ id, entry }) => `${id} ${JSON.parse(String(entry)).action}`).toSorted();
}

async function messagesOf(folder: string): Promise<string[]> {
  const rows = await rowsOf(folder, 'notification', 'select hex(appointment_id) as id, kind from messages');
  return rows.map(({ id, kind }) => `${id} ${kind}`).toSorted();
}

it(
  `keeps all confirmed changes, publishes each once, and leaves nothing half-done, killed ${KILLS} times`,
  async () => {
    await using folder = await temporaryFolder();
    const random = randomNumbers(SEED);

    const first = await startDaybook({ data: folder.path });
    const setUp = clientOf(first);
    const clinics = await Promise.all(Array.from({ length: DOCTORS }, () => makeClinic(setUp)));
    const clinic = { doctorIds: clinics.map(({ doctor }) => doctor.id), typeId: clinics[0]?.type.id ?? '' };
    const patients = await Promise.all(Array.from({ length: WORKERS }, () => registerPatient(setUp)));
    const workers = patients.map(({ id }) => createWorker(id, clinic, random));
    const countResponses = () => workers.reduce((sum, worker) => sum + worker.countResponses(), 0);
    await first.end('SIGKILL');

    for (let kill = 0; kill < KILLS; kill += 1) {
      const system = await startDaybook({ data: folder.path });
      const client = clientOf(system);
      const gone = new AbortController();
      const working = Promise.all(workers.map((worker) => worker.work(client, gone.signal)));
      const before = countResponses();
      await sleep(random() * LONGEST_LIFE_MILLIS);
      // A slow machine must not be killed before anything happened.
      await expect.poll(countResponses, { timeout: 20_000 }).toBeGreaterThan(before + WORKERS);
      const ended = system.end('SIGKILL');
      gone.abort();
      await ended;
      await working;
    }

    const last = await startDaybook({ data: folder.path });
    const client = clientOf(last);
    const over = AbortSignal.abort();
    for (const worker of workers) {
      const settle = () => worker.work(client, over).then(() => worker.isSettled());
      await expect.poll(settle, { timeout: 20_000 }).toBe(true);
    }
    const known = workers.flatMap((worker) => [...worker.known.values()]);
    expect(known.length).toBeGreaterThan(KILLS);
    for (const appointment of known) {
      const { data } = await client.GET('/api/v1/appointments/{id}', { params: { path: { id: appointment.id } } });
      expect(data).toEqual(appointment);
    }
    await expect
      .poll(() => rowsOf(folder.path, 'appointment', 'select count(*) as due from outbox'), { timeout: 20_000 })
      .toEqual([{ due: 0 }]);
    expect(await last.end()).toEqual({ code: 0, signal: null });

    const inAppointment = (query: string) => rowsOf(folder.path, 'appointment', query);
    expect(await inAppointment('select count(*) as there from appointments')).toEqual([{ there: known.length }]);
    expect(await inAppointment(CELLS_WITHOUT_APPOINTMENT)).toEqual([{ wrong: 0 }]);
    expect(await inAppointment(APPOINTMENTS_WITHOUT_CELLS)).toEqual([{ wrong: 0 }]);
    const changes = await changesOf(folder.path);
    expect(changes.length).toBeGreaterThan(known.length);
    expect(await messagesOf(folder.path)).toEqual(changes);
    for (const service of ['appointment', 'notification'] as const) {
      expect(await rowsOf(folder.path, service, 'select * from parked_events')).toEqual([]);
    }
  },
  60_000 + KILLS * 10_000,
);
