/** Creates an appointment type for every length of visit. */
import { CallRefused } from '@daybook/client';
import { APPOINTMENT_TYPE_DEFAULTS } from '@daybook/contracts';
import type { Api } from '../api.ts';
import { LruCache } from '../lru-cache.ts';

/** The longest horizon that a type allows. The import needs 364 days. */
const PLANNING_HORIZON_DAYS = 730;
/** The possible lengths, because a type lasts from 5 minutes to a day in steps of 5. */
const LENGTHS = 288;

/**
 * Returns the id of the type for a length, and creates a missing type.
 * @throws CallRefused
 */
export type TypeForLength = (minutes: number) => Promise<string>;

export function createTypeForLength(api: Api): TypeForLength {
  const known = new LruCache<string>(LENGTHS);

  async function find(name: string): Promise<string | undefined> {
    const types = await api.list((cursor) =>
      api.client.GET('/api/v1/appointment-types', { params: { query: { limit: 100, ...cursor } } }),
    );
    return types.find((type) => type.name === name)?.id;
  }

  async function findOrAdd(minutes: number): Promise<string> {
    const name = `Imported visit, ${minutes} minutes`;
    const before = await find(name);
    if (before !== undefined) return before;
    const body = {
      ...APPOINTMENT_TYPE_DEFAULTS,
      name,
      durationMinutes: minutes,
      planningHorizonDays: PLANNING_HORIZON_DAYS,
    };
    const header = { 'idempotency-key': `import:appointment-type:${minutes}` };
    try {
      const { data } = await api.send(() => api.client.POST('/api/v1/appointment-types', { body, params: { header } }));
      return data.id;
    } catch (error) {
      if (!(error instanceof CallRefused) || error.problem.code !== 'name-taken') throw error;
      // Another client added the type since the search.
      const since = await find(name);
      if (since === undefined) throw error;
      return since;
    }
  }

  return (minutes) => known.get(String(minutes), () => findOrAdd(minutes));
}
