/** Imports providers as doctors with weekly hours. */
import { KeyedQueue } from '@daybook/async';
import type { Schemas } from '@daybook/client';
import { CallRefused } from '@daybook/client';
import type { Api } from '../api.ts';
import type { Outcome } from '../counts.ts';
import type { Provider } from './rows.ts';

const WORKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'] as const;
const WEEKLY_HOURS = WORKDAYS.map((day) => ({ day, start: '08:00', end: '18:00' }));

/** The longest search text. */
const MAX_SEARCH_CHARACTERS = 100;
/** Enough words to find a doctor, and fewer than a search may have. */
const SEARCH_WORDS = 6;

export interface ImportedDoctor {
  readonly id: string;
  readonly timeZone: string;
}

/** Doctors by the provider's Id. */
export type ImportedDoctors = ReadonlyMap<string, ImportedDoctor>;

export interface DoctorImport {
  readonly imported: ImportedDoctors;
  /**
   * Imports one provider.
   * @throws CallRefused
   */
  importOne(provider: Provider): Promise<Outcome>;
}

/**
 * Imports doctors. The API stores no identifier of a doctor, so names, specialty and zone identify one.
 * Several rows that agree in these are different doctors.
 * They are imported in sequence, and the first row receives the doctor that was registered first.
 */
export function createDoctorImport(api: Api): DoctorImport {
  const imported = new Map<string, ImportedDoctor>();
  /** Earlier doctors that no row has received yet, by their identifying fields. */
  const unclaimed = new Map<string, Schemas['Doctor'][]>();
  const queue = new KeyedQueue();

  async function findAll({ givenName, familyName, specialties, timeZone }: Provider['doctor']) {
    const words = `${givenName ?? ''} ${familyName}`.trim().split(/\s+/u).slice(0, SEARCH_WORDS).join(' ');
    const q = [...words].slice(0, MAX_SEARCH_CHARACTERS).join('');
    const found = await api.list((cursor) =>
      api.client.GET('/api/v1/doctors', { params: { query: { q, limit: 100, ...cursor } } }),
    );
    return found.filter(
      (doctor) =>
        doctor.givenName === givenName &&
        doctor.familyName === familyName &&
        doctor.timeZone === timeZone &&
        specialties.every((specialty) => doctor.specialties.includes(specialty)),
    );
  }

  async function importProvider({ id, doctor }: Provider): Promise<Outcome> {
    const key = JSON.stringify(doctor);
    const candidates = unclaimed.get(key) ?? (await findAll(doctor));
    unclaimed.set(key, candidates);
    const before = candidates.shift();
    if (before) {
      await setWeeklyHours(api, before);
      imported.set(id, before);
      return { kind: 'known' };
    }
    const { data, wasReplayed } = await api.send(() =>
      api.client.POST('/api/v1/doctors', {
        body: doctor,
        params: { header: { 'idempotency-key': `import:provider:${id}` } },
      }),
    );
    await setWeeklyHours(api, data);
    imported.set(id, data);
    return { kind: wasReplayed ? 'known' : 'new' };
  }

  return {
    imported,
    importOne: (provider) => queue.run([JSON.stringify(provider.doctor)], () => importProvider(provider)),
  };
}

/** Sets hours, unless the doctor has some already. Those are kept, because a person may have set them. */
async function setWeeklyHours(api: Api, { id, timeZone }: ImportedDoctor): Promise<void> {
  const path = { id };
  const { data, etag } = await api.send(() => api.client.GET('/api/v1/doctors/{id}/schedule', { params: { path } }));
  // Hours that begin later count as well.
  if (data.weeklyHours.length > 0 || data.validThrough !== undefined) return;
  const header = etag === undefined ? {} : { 'if-match': etag };
  const body = { timeZone, weeklyHours: WEEKLY_HOURS };
  try {
    await api.send(() => api.client.PUT('/api/v1/doctors/{id}/schedule', { body, params: { path, header } }));
  } catch (error) {
    if (!(error instanceof CallRefused) || error.problem.code !== 'precondition-failed') throw error;
  }
}
