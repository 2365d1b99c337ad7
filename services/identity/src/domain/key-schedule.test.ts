import { describe, expect, it } from 'vitest';
import { keysDue, LISTED_AFTER_MILLIS, PUBLISHED_AHEAD_MILLIS, ringOf, SIGNS_FOR_MILLIS } from './key-schedule.ts';

const key = (generation: number, signsFrom: number) => ({ generation, signsFrom });

describe('the ring of keys', () => {
  it('has no current key before the first one signs', () => {
    expect(ringOf([], 100)).toBeUndefined();
    expect(ringOf([key(1, 101)], 100)).toBeUndefined();
  });

  it('has the newest key that signs already as its current one', () => {
    const keys = [key(2, 100), key(3, 200), key(1, 0)];
    expect(ringOf(keys, 199)).toMatchObject({ current: key(2, 100), next: key(3, 200), retired: [key(1, 0)] });
    expect(ringOf(keys, 200)).toMatchObject({ current: key(3, 200), next: undefined });
  });

  it('lists a key for a day after its successor began to sign', () => {
    const keys = [key(1, 0), key(2, 100), key(3, 200)];
    const atEnd = 100 + LISTED_AFTER_MILLIS;
    expect(ringOf(keys, atEnd - 1)?.retired).toEqual([key(2, 100), key(1, 0)]);
    expect(ringOf(keys, atEnd)).toMatchObject({ retired: [key(2, 100)], dropped: [key(1, 0)] });
  });
});

describe('the keys to make', () => {
  it('are two for an empty table: one to sign now, and the next', () => {
    expect(keysDue([], 1_000)).toEqual([key(1, 1_000), key(2, 1_000 + SIGNS_FOR_MILLIS)]);
  });

  it('are none while the next one waits', () => {
    expect(keysDue([key(1, 0), key(2, 100)], 99)).toEqual([]);
  });

  it('are the next one, a day ahead at least, as soon as the last one signs', () => {
    expect(keysDue([key(1, 0), key(2, 100)], 100)).toEqual([key(3, 100 + SIGNS_FOR_MILLIS)]);
    const late = 100 + 2 * SIGNS_FOR_MILLIS;
    expect(keysDue([key(1, 0), key(2, 100)], late)).toEqual([key(3, late + PUBLISHED_AHEAD_MILLIS)]);
  });
});
