import { describe, expect, it } from 'vitest';
import type { Registration } from './instance.ts';
import { createLeases } from './leases.ts';

const at = (seconds: number) => ({ epochMillis: seconds * 1000, awakeMillis: seconds * 1000 });

const instance = (n: number): Registration => ({
  instanceId: `i${n}`,
  hostName: 'host',
  app: 'x',
  ipAddr: '127.0.0.1',
  dataCenterInfo: { name: 'MyOwn' },
  lastDirtyTimestamp: 1,
});

/** Creates instances, the first of which renew every thirty seconds for three minutes. */
function after({
  size,
  renewing,
  selfPreservation = true,
}: {
  size: number;
  renewing: number;
  selfPreservation?: boolean;
}) {
  const leases = createLeases({ selfPreservation });
  for (let n = 0; n < size; n += 1) leases.register(instance(n), at(0));
  const evicted: number[] = [];
  for (let second = 1; second <= 180; second += 1) {
    if (second % 30 === 0) for (let n = 0; n < renewing; n += 1) leases.renew('x', `i${n}`, at(second));
    evicted.push(leases.evictExpired(at(second)).length);
  }
  return { leases, evicted: evicted.reduce((sum, count) => sum + count, 0), perSecond: evicted };
}

describe('with self-preservation', () => {
  it('no instance is evicted while more than 15 % of the renewals are missing', () => {
    const { leases, evicted } = after({ size: 100, renewing: 80 });
    expect(evicted).toBe(0);
    expect(leases.isPreserving(at(180))).toBe(true);
  });

  it('those few are evicted that do not renew while nearly all others do', () => {
    const { leases, evicted } = after({ size: 100, renewing: 90 });
    expect(evicted).toBe(10);
    expect(leases.isPreserving(at(180))).toBe(false);
  });

  it('a dead instance of a small system stays, which is why it is off by default', () => {
    expect(after({ size: 3, renewing: 2 }).evicted).toBe(0);
    expect(after({ size: 3, renewing: 2, selfPreservation: false }).evicted).toBe(1);
  });

  it('no more than 15 % go within one minute, whatever the reason', () => {
    const leases = createLeases({ selfPreservation: true });
    // The others renew so often that the missing renewals do not bring the total below the threshold.
    const lease = (renewalIntervalInSecs: number) => ({ leaseInfo: { renewalIntervalInSecs, durationInSecs: 90 } });
    for (let n = 0; n < 60; n += 1) leases.register({ ...instance(n), ...lease(10) }, at(0));
    for (let n = 60; n < 100; n += 1) leases.register({ ...instance(n), ...lease(86_400) }, at(0));
    const evicted = [0, 0, 0, 0];
    for (let second = 1; second < 240; second += 1) {
      if (second % 10 === 0) for (let n = 0; n < 60; n += 1) leases.renew('x', `i${n}`, at(second));
      const minute = Math.floor(second / 60);
      evicted[minute] = (evicted[minute] ?? 0) + leases.evictExpired(at(second)).length;
    }
    expect(evicted).toEqual([0, 15, 13, 11]);
    expect(leases.all().filter(({ instanceId }) => Number(instanceId.slice(1)) < 60)).toHaveLength(60);
  });

  it('no instance is evicted before a minute has shown that renewals come', () => {
    const leases = createLeases({ selfPreservation: true });
    leases.register({ ...instance(0), leaseInfo: { renewalIntervalInSecs: 30, durationInSecs: 1 } }, at(0));
    expect(leases.evictExpired(at(5))).toEqual([]);
  });
});
