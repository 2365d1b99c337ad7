/**
 * The list and its delta as they were written for the last reader, for the next one with the same wish. What is kept is as
 * new as the list: only the times of renewals, which change nothing for a reader, may be some seconds old.
 */
import type { Answer, Representation } from './representations.ts';

const MAX_AGE_MILLIS = 5_000;

interface Kept {
  readonly version: number;
  readonly awakeMillis: number;
  readonly answer: Promise<Answer>;
}

export interface ListCache {
  /** There are as many entries as names and kinds of representations: a handful. */
  get(
    name: 'all' | 'delta',
    representation: Representation,
    now: { version: number; awakeMillis: number },
    write: () => Promise<Answer>,
  ): Promise<Answer>;
}

export function createListCache(): ListCache {
  const kept = new Map<string, Kept>();
  return {
    get(name, { format, extent, zipped }, { version, awakeMillis }, write) {
      const key = `${name} ${format} ${extent} ${zipped}`;
      const known = kept.get(key);
      if (known?.version === version && awakeMillis - known.awakeMillis < MAX_AGE_MILLIS) return known.answer;
      const answer = write();
      kept.set(key, { version, awakeMillis, answer });
      answer.catch(() => kept.delete(key));
      return answer;
    },
  };
}
