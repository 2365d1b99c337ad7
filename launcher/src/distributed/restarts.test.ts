import { describe, expect, it } from 'vitest';
import { createRestarts } from './restarts.ts';

const longest = () => createRestarts(() => 1);

describe('a process that ends', () => {
  it('is started again soon, then ever later, but never later than after half a minute', () => {
    const restarts = longest();
    const pauses = Array.from({ length: 100 }, () => restarts.ended(0));
    expect(pauses.slice(0, 8)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(Math.max(...pauses)).toBe(30_000);
  });

  it('is started again soon when it had stayed for a minute', () => {
    const restarts = longest();
    restarts.ended(0);
    restarts.ended(0);
    restarts.ready(1_000);
    expect(restarts.ended(61_000)).toBe(500);
  });

  it('is not forgiven when it was ready and did not stay, or never was ready', () => {
    const restarts = longest();
    restarts.ended(0);
    restarts.ready(1_000);
    expect(restarts.ended(60_000)).toBe(1_000);
    expect(restarts.ended(600_000)).toBe(2_000);
  });

  it('does not come back in the same moment as the others', () => {
    expect(createRestarts(() => 0).ended(0)).toBe(250);
    expect(createRestarts(() => 0.5).ended(0)).toBe(375);
  });
});
