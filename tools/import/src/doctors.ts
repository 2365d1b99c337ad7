/** Providers become doctors with weekly hours. */
import type { Schemas } from '@daybook/client';
import { CallRefused } from '@daybook/client';
import { createTurns } from './concurrency.ts';
import type { Door } from './door.ts';
import type { Provider } from './rows.ts';
import type { Outcome } from './tally.ts';

const WORKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'] as const;
const WEEKLY_HOURS = WORKDAYS.map((day) => ({ day, start: '08:00', end: '18:00' }));

/** As long as a search text can be. */
const MAX_SEARCH_CHARACTERS = 100;
/** Enough to find somebody, and fewer than a search can have. */
const SEARCH_WORDS = 6;

export interface ImportedDoctor {
  readonly id: string;
  readonly timeZone: string;
}

/** By the provider's Id. */
export type ImportedDoctors = ReadonlyMap<string, ImportedDoctor>;

export interface DoctorImport {
  readonly imported: ImportedDoctors;
  /** @throws CallRefused */
  bring(provider: Provider): Promise<Outcome>;
}

/**
 * The API keeps no identifier of a doctor, so that one is found again by names, specialty and zone. Several rows that
 * agree in these are as many doctors: they are brought in turn, the first row has the doctor who was registered first.
 */
export function createDoctorImport(door: Door): DoctorImport {
  const imported = new Map<string, ImportedDoctor>();
  /** The doctors who were there before this run and no row has yet, by what they are found by. */
  const unclaimed = new Map<string, Schemas['Doctor'][]>();
  const inTurn = createTurns();

  async function findAll({ givenName, familyName, specialties, timeZone }: Provider['doctor']) {
    const words = `${givenName ?? ''} ${familyName}`.trim().split(/\s+/u).slice(0, SEARCH_WORDS).join(' ');
    const q = [...words].slice(0, MAX_SEARCH_CHARACTERS).join('');
    const found = await door.list((cursor) =>
      door.client.GET('/api/v1/doctors', { params: { query: { q, limit: 100, ...cursor } } }),
    );
    return found.filter(
      (doctor) =>
        doctor.givenName === givenName &&
        doctor.familyName === familyName &&
        doctor.timeZone === timeZone &&
        specialties.every((specialty) => doctor.specialties.includes(specialty)),
    );
  }

  async function bring({ id, doctor }: Provider): Promise<Outcome> {
    const likeness = JSON.stringify(doctor);
    const candidates = unclaimed.get(likeness) ?? (await findAll(doctor));
    unclaimed.set(likeness, candidates);
    const before = candidates.shift();
    if (before) {
      await giveHours(door, before);
      imported.set(id, before);
      return { kind: 'known' };
    }
    const { data, wasGivenBefore } = await door.ask(() =>
      door.client.POST('/api/v1/doctors', {
        body: doctor,
        params: { header: { 'idempotency-key': `import:provider:${id}` } },
      }),
    );
    await giveHours(door, data);
    imported.set(id, data);
    return { kind: wasGivenBefore ? 'known' : 'new' };
  }

  return { imported, bring: (provider) => inTurn([JSON.stringify(provider.doctor)], () => bring(provider)) };
}

/** Hours that somebody has set stay, even if they were set just now: whoever did knows the doctor better than we. */
async function giveHours(door: Door, { id, timeZone }: ImportedDoctor): Promise<void> {
  const path = { id };
  const { data, etag } = await door.ask(() => door.client.GET('/api/v1/doctors/{id}/schedule', { params: { path } }));
  // Those that begin later count as well.
  if (data.weeklyHours.length > 0 || data.validThrough !== undefined) return;
  const header = etag === undefined ? {} : { 'if-match': etag };
  const body = { timeZone, weeklyHours: WEEKLY_HOURS };
  try {
    await door.ask(() => door.client.PUT('/api/v1/doctors/{id}/schedule', { body, params: { path, header } }));
  } catch (error) {
    if (!(error instanceof CallRefused) || error.problem.code !== 'precondition-failed') throw error;
  }
}
