/** When signing keys are made, used and dropped, as pure functions. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long a key signs. */
export const SIGNS_FOR_MILLIS = 30 * DAY;
/** A key is published this long before it signs, so that every verifier knows it by then. */
export const PUBLISHED_AHEAD_MILLIS = DAY;
/** A retired key stays published for this long. No token lives longer. */
export const LISTED_AFTER_MILLIS = DAY;

export interface ScheduledKey {
  readonly generation: number;
  readonly signsFrom: number;
}

export interface KeyRing<Key extends ScheduledKey> {
  readonly current: Key;
  readonly next: Key | undefined;
  /** Keys that no longer sign and whose tokens may still be in use. */
  readonly retired: readonly Key[];
  /** Keys that can be deleted. */
  readonly dropped: readonly Key[];
}

/** Returns the ring of keys at a time, or undefined if no key signs yet. */
export function ringOf<Key extends ScheduledKey>(keys: readonly Key[], now: number): KeyRing<Key> | undefined {
  const newestFirst = keys.toSorted((one, other) => other.generation - one.generation);
  const index = newestFirst.findIndex(({ signsFrom }) => signsFrom <= now);
  const current = newestFirst[index];
  if (!current) return undefined;
  const older = newestFirst.slice(index + 1);
  // A key was retired when its successor began to sign.
  const retiredAt = (position: number) => newestFirst[index + position]?.signsFrom ?? 0;
  const isListed = (_key: Key, position: number) => now < retiredAt(position) + LISTED_AFTER_MILLIS;
  return {
    current,
    next: newestFirst[index - 1],
    retired: older.filter(isListed),
    dropped: older.filter((key, position) => !isListed(key, position)),
  };
}

/** Returns the keys to make now: two for an empty table, and the next one as soon as its predecessor signs. */
export function keysDue(keys: readonly ScheduledKey[], now: number): ScheduledKey[] {
  const newest = keys.reduce<ScheduledKey | undefined>(
    (best, key) => (best && best.generation > key.generation ? best : key),
    undefined,
  );
  if (!newest) {
    return [
      { generation: 1, signsFrom: now },
      { generation: 2, signsFrom: now + SIGNS_FOR_MILLIS },
    ];
  }
  if (newest.signsFrom > now) return [];
  const signsFrom = Math.max(newest.signsFrom + SIGNS_FOR_MILLIS, now + PUBLISHED_AHEAD_MILLIS);
  return [{ generation: newest.generation + 1, signsFrom }];
}
