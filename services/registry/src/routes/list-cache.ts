/**
 * Caches the list and its delta in each representation, for readers that want the same one. A cached list is current.
 * Only its renewal times, which do not matter to readers, may be some seconds old.
 */
import type { EncodedResponse, Representation } from './representations.ts';

const MAX_AGE_MILLIS = 5_000;

interface CacheEntry {
  readonly version: number;
  readonly awakeMillis: number;
  readonly response: Promise<EncodedResponse>;
}

export interface ListCache {
  /** Returns the cached response. The number of entries is small: one per name and representation. */
  get(
    name: 'all' | 'delta',
    representation: Representation,
    now: { version: number; awakeMillis: number },
    write: () => Promise<EncodedResponse>,
  ): Promise<EncodedResponse>;
}

export function createListCache(): ListCache {
  const entries = new Map<string, CacheEntry>();
  return {
    get(name, { format, extent, gzipped }, { version, awakeMillis }, write) {
      const key = `${name} ${format} ${extent} ${gzipped}`;
      const cached = entries.get(key);
      if (cached?.version === version && awakeMillis - cached.awakeMillis < MAX_AGE_MILLIS) return cached.response;
      const response = write();
      entries.set(key, { version, awakeMillis, response });
      response.catch(() => entries.delete(key));
      return response;
    },
  };
}
