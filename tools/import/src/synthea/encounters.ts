/** Every encounter becomes a request for an appointment between its patient and its provider. */

import type { Api } from '../api.ts';
import { createKeyedQueue } from '../concurrency.ts';
import type { Outcome } from '../counts.ts';
import { LruCache } from '../lru-cache.ts';
import { createTypeForLength } from './appointment-types.ts';
import type { ImportedDoctors } from './doctors.ts';
import type { ImportedPatients } from './patients.ts';
import { plannedStart, visitMinutes } from './plan.ts';
import { BadRow, type Encounter } from './rows.ts';

export interface EncounterDependencies {
  readonly api: Api;
  readonly doctors: ImportedDoctors;
  readonly patients: ImportedPatients;
  readonly now: Temporal.Instant;
  /** Names this run, unlike every other. */
  readonly run: string;
}

/** Files are sorted by patient: those of a few are looked at at one time. */
const CACHED_PATIENTS = 1000;

/**
 * An appointment carries the Id of the encounter that it was made of, so that it accounts for this one only and is
 * found again wherever it was moved to, and when it was cancelled, too.
 */
const reasonFor = (encounterId: string): string => `Imported encounter ${encounterId}`;

export function createEncounterImport({ api, doctors, patients, now, run }: EncounterDependencies) {
  const typeForLength = createTypeForLength(api);
  const reasonsOf = new LruCache<ReadonlySet<string>>(CACHED_PATIENTS);
  const enqueue = createKeyedQueue();

  /** The reasons of all appointments of a patient, whatever their status. */
  async function fetchReasons(patientId: string): Promise<ReadonlySet<string>> {
    const appointments = await api.list((cursor) =>
      api.client.GET('/api/v1/appointments', { params: { query: { patientId, limit: 100, ...cursor } } }),
    );
    return new Set(appointments.flatMap(({ reason }) => reason ?? []));
  }

  /** @throws CallRefused, BadRow */
  async function importOne({ id, patient, provider, start, stop }: Encounter): Promise<Outcome> {
    const patientId = patients.get(patient);
    const doctor = doctors.get(provider);
    if (patientId === undefined) throw new BadRow('PATIENT is none of the patients that were imported');
    if (!doctor) throw new BadRow('PROVIDER is none of the doctors that were imported');
    const reason = reasonFor(id);
    const reasons = await reasonsOf.get(patientId, () => fetchReasons(patientId));
    if (reasons.has(reason)) return { kind: 'known' };
    const appointmentTypeId = await typeForLength(visitMinutes(start, stop));
    const body = {
      patientId,
      doctorId: doctor.id,
      appointmentTypeId,
      start: plannedStart(start, doctor.timeZone, now).toString(),
      reason,
    };
    // A refusal is an answer that is kept for a day. The key is of this run only, so that the next one asks again what
    // this one was refused: what stood in the way may be gone. That nothing is booked twice needs no key: a patient is
    // in one place at a time.
    const header = { 'idempotency-key': `import:encounter:${id}:${run}` };
    const { wasReplayed } = await api.send(() => api.client.POST('/api/v1/appointments', { body, params: { header } }));
    return { kind: wasReplayed ? 'known' : 'new' };
  }

  return {
    /**
     * Those of one patient or one doctor are booked in the order of the file. Which of two that stand in each other's
     * way is booked is then no accident.
     * @throws CallRefused, BadRow
     */
    importOne: (encounter: Encounter): Promise<Outcome> =>
      enqueue([`patient ${encounter.patient}`, `provider ${encounter.provider}`], () => importOne(encounter)),
  };
}
