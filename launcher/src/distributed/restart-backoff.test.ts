import { describe, expect, it } from 'vitest';
import { createRestartBackoff } from './restart-backoff.ts';

const withoutJitter = () => createRestartBackoff(() => 1);

describe('a process that ends', () => {
  it('is started again soon, then ever later, but never later than after half a minute', () => {
    const backoff = withoutJitter();
    const delays = Array.from({ length: 100 }, () => backoff.nextDelay(0));
    expect(delays.slice(0, 8)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(Math.max(...delays)).toBe(30_000);
  });

  it('is started again soon when it had stayed for a minute', () => {
    const backoff = withoutJitter();
    backoff.nextDelay(0);
    backoff.nextDelay(0);
    backoff.ready(1_000);
    expect(backoff.nextDelay(61_000)).toBe(500);
  });

  it('is not forgiven when it was ready and did not stay, or never was ready', () => {
    const backoff = withoutJitter();
    backoff.nextDelay(0);
    backoff.ready(1_000);
    expect(backoff.nextDelay(60_000)).toBe(1_000);
    expect(backoff.nextDelay(600_000)).toBe(2_000);
  });

  it('does not come back in the same moment as the others', () => {
    expect(createRestartBackoff(() => 0).nextDelay(0)).toBe(250);
    expect(createRestartBackoff(() => 0.5).nextDelay(0)).toBe(375);
  });
});
