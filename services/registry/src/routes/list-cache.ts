/**
 * The list and its delta as they were written for the last reader, for the next one with the same wish. What is kept is as
 * new as the list: only the times of renewals, which change nothing for a reader, may be some seconds old.
 */
import type { EncodedResponse, Representation } from './representations.ts';

const MAX_AGE_MILLIS = 5_000;

interface CacheEntry {
  readonly version: number;
  readonly awakeMillis: number;
  readonly response: Promise<EncodedResponse>;
}

export interface ListCache {
  /** There are as many entries as names and kinds of representations: a handful. */
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
