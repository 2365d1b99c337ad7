/** Creates the resources that requests refer to: a small clinic, and what the requests themselves create. */
import { expectData } from '@daybook/client';
import { bookWalkIn, type CallableSystem, clientOf, halfHour, makeClinic, registerPatient } from '@daybook/testing';
import type { IdOf } from './placeholders.ts';
import type { RawResponse } from './raw-http.ts';

const MAX_IDS_PER_KIND = 30;

export interface Subjects {
  readonly idOf: IdOf;
  /** Records the resource that a response created. Its Location gives the kind. */
  learn(response: RawResponse): void;
}

/** Creates resources. Returns ids by kind: `appointment-type`. */
async function makeAll(system: CallableSystem): Promise<Map<string, string[]>> {
  const client = clientOf(system);
  const clinics = [await makeClinic(client), await makeClinic(client)];
  const [clinic] = clinics;
  if (!clinic) throw new Error('there is a clinic');
  const patients = [
    await registerPatient(client),
    await registerPatient(client),
    ...clinics.map(({ patient }) => patient),
  ];
  // One patient is merged into another, so that the merge can be undone.
  const [stays, merged] = patients;
  if (!stays || !merged) throw new Error('there are patients');
  const merge = { params: { path: { id: merged.id } }, body: { into: stays.id, reason: 'registered twice' } };
  expectData(await client.POST('/api/v1/patients/{id}/merge', merge));
  const appointments: string[] = [];
  for (let n = 0; n < 6; n += 1) {
    const body = {
      patientId: clinic.patient.id,
      doctorId: clinic.doctor.id,
      appointmentTypeId: clinic.type.id,
      start: halfHour(500 + n),
    };
    appointments.push(expectData(await client.POST('/api/v1/appointments', { body })).id);
  }
  // Visits of today, whose steps are permitted.
  const visits: string[] = [];
  for (let n = 0; n < 6; n += 1) {
    visits.push((await bookWalkIn(client, { ...clinic, patient: await registerPatient(client) })).id);
  }
  const [, cancelled = ''] = appointments;
  const [arrived = '', noshow = ''] = visits;
  expectData(
    await client.POST('/api/v1/appointments/{id}/cancel', {
      params: { path: { id: cancelled } },
      body: { reason: 'ill' },
    }),
  );
  expectData(await client.POST('/api/v1/appointments/{id}/arrive', { params: { path: { id: arrived } } }));
  expectData(await client.POST('/api/v1/appointments/{id}/no-show', { params: { path: { id: noshow } } }));
  const exceptions = expectData(
    await client.POST('/api/v1/doctors/{id}/exceptions', {
      params: { path: { id: clinic.doctor.id } },
      body: { kind: 'time-off', start: halfHour(600), end: halfHour(602) },
    }),
  );
  return new Map([
    ['patient', patients.map(({ id }) => id)],
    ['doctor', clinics.map(({ doctor }) => doctor.id)],
    ['appointment-type', clinics.map(({ type }) => type.id)],
    ['appointment', [...appointments, ...visits]],
    ['exception', [exceptions.id]],
  ]);
}

export async function makeSubjects(system: CallableSystem): Promise<Subjects> {
  const known = await makeAll(system);
  return {
    idOf(kind, index) {
      const ids = known.get(kind) ?? [...known.values()].flat();
      return ids[index % ids.length] ?? '';
    },
    learn({ headers }) {
      const [, collection = '', id] = /\/([a-z-]+)\/([\da-f-]{36})$/.exec(headers.get('location')?.join() ?? '') ?? [];
      if (id === undefined) return;
      const kind = collection.replace(/s$/, '');
      known.set(kind, [...(known.get(kind) ?? []), id].slice(-MAX_IDS_PER_KIND));
    },
  };
}
