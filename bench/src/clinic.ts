/** Creates doctors that work around the clock and a patient for each, so that every booking finds its own free time. */
import { type DaybookClient, expectData } from '@daybook/client';
import { bearerOf, type CallableSystem, clientOf, makeClinic, registerPatient } from '@daybook/testing';
import { Pool } from 'undici';

export interface Pair {
  readonly doctorId: string;
  readonly patientId: string;
}

export interface BenchClinic {
  readonly client: DaybookClient;
  readonly connections: Pool;
  /** Of an administrator, for each request without the client. */
  readonly authorization: string;
  readonly typeId: string;
  readonly pairs: readonly Pair[];
}

export async function openClinic(system: CallableSystem, size: number): Promise<BenchClinic> {
  const client = clientOf(system);
  const pairs: Pair[] = [];
  let typeId = '';
  for (let n = 0; n < size; n += 1) {
    const clinic = await makeClinic(client);
    typeId = clinic.type.id;
    pairs.push({ doctorId: clinic.doctor.id, patientId: (await registerPatient(client)).id });
  }
  return { client, connections: new Pool(system.url), ...(await bearerOf(system)), typeId, pairs };
}

const tomorrow = Temporal.Now.zonedDateTimeISO('UTC').startOfDay().add({ days: 1 }).toInstant();

/** Books the n-th time: another doctor each time, and half an hour later once all had one. */
export async function bookNth({ connections, authorization, typeId, pairs }: BenchClinic, n: number): Promise<void> {
  const pair = pairs[n % pairs.length];
  if (!pair) throw new Error('the clinic is empty');
  const start = tomorrow.add({ minutes: 30 * Math.floor(n / pairs.length) }).toString();
  // Avoids `fetch`, which would use a tenth of the processors that the system is measured on.
  const { statusCode, body } = await connections.request({
    path: '/api/v1/appointments',
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization },
    body: JSON.stringify({ ...pair, appointmentTypeId: typeId, start }),
  });
  const response = await body.text();
  if (statusCode !== 201) throw new Error(`${statusCode}: ${response}`);
}

/** Searches the first twenty free slots of one doctor in thirty days. */
export async function searchNth({ client, typeId, pairs }: BenchClinic, n: number): Promise<void> {
  const doctorId = pairs[n % pairs.length]?.doctorId ?? '';
  const query = {
    doctorId,
    appointmentTypeId: typeId,
    from: tomorrow.toString(),
    to: tomorrow.add({ hours: 720 }).toString(),
  };
  expectData(await client.GET('/api/v1/slots', { params: { query } }));
}
