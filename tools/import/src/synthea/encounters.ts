/** Turns every encounter into a request for an appointment between its patient and its provider. */

import { KeyedQueue } from '@daybook/async';
import type { Api } from '../api.ts';
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

/** Files are sorted by patient, so the encounters in progress are of few patients. */
const CACHED_PATIENTS = 1000;

/**
 * Returns the reason of an appointment, which contains the Id of its encounter.
 * So a later run finds it after a move or a cancellation, and it counts for one encounter only.
 */
const reasonFor = (encounterId: string): string => `Imported encounter ${encounterId}`;

export function createEncounterImport({ api, doctors, patients, now, run }: EncounterDependencies) {
  const typeForLength = createTypeForLength(api);
  const reasonsOf = new LruCache<ReadonlySet<string>>(CACHED_PATIENTS);
  const queue = new KeyedQueue();

  /** Returns the reasons of all appointments of a patient, whatever their status. */
  async function fetchReasons(patientId: string): Promise<ReadonlySet<string>> {
    const appointments = await api.list((cursor) =>
      api.client.GET('/api/v1/appointments', { params: { query: { patientId, limit: 100, ...cursor } } }),
    );
    return new Set(appointments.flatMap(({ reason }) => reason ?? []));
  }

  /**
   * Imports one encounter.
   * @throws CallRefused, BadRow
   */
  async function importOne({ id, patient, provider, start, stop }: Encounter): Promise<Outcome> {
    const patientId = patients.get(patient);
    const doctor = doctors.get(provider);
    if (patientId === undefined) throw new BadRow('PATIENT is not one of the imported patients');
    if (!doctor) throw new BadRow('PROVIDER is not one of the imported doctors');
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
    // The API stores a refusal for a day. The key belongs to this run only, so that the next run tries again after its
    // cause may be gone. A double booking needs no key, because a patient cannot have two visits at the same time.
    const header = { 'idempotency-key': `import:encounter:${id}:${run}` };
    const { wasReplayed } = await api.send(() => api.client.POST('/api/v1/appointments', { body, params: { header } }));
    return { kind: wasReplayed ? 'known' : 'new' };
  }

  return {
    /**
     * Imports an encounter. Those of one patient or one doctor are booked in the order of the file.
     * So the first of two conflicting encounters is always the one that is booked.
     * @throws CallRefused, BadRow
     */
    importOne: (encounter: Encounter): Promise<Outcome> =>
      queue.run([`patient ${encounter.patient}`, `provider ${encounter.provider}`], () => importOne(encounter)),
  };
}
