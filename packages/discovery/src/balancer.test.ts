import { describe, expect, it } from 'vitest';
import { createBalancer, type Lease } from './balancer.ts';
import { createTestDiscovery, instanceAt } from './testing.ts';

const service = 'patient-service';

function pickMany(balancer: ReturnType<typeof createBalancer>, count: number): Lease[] {
  return Array.from({ length: count }, () => balancer.pick(service)).filter((lease) => lease !== undefined);
}

const countAt = (leases: readonly Lease[], url: string) => leases.filter((lease) => lease.instance.url === url).length;

describe('the balancer', () => {
  it('has nothing to pick when no instance is known', () => {
    expect(createBalancer(createTestDiscovery([])).pick(service)).toBeUndefined();
  });

  it('shares requests in flight evenly between two instances', () => {
    const leases = pickMany(createBalancer(createTestDiscovery(['http://a', 'http://b'])), 100);
    expect(countAt(leases, 'http://a')).toBe(50);
  });

  it('sends little to an instance that is slow to finish', () => {
    const balancer = createBalancer(createTestDiscovery(['http://slow', 'http://b', 'http://c']));
    let toSlow = 0;
    for (let i = 0; i < 300; i += 1) {
      const lease = balancer.pick(service);
      if (lease?.instance.url === 'http://slow') toSlow += 1;
      else lease?.release();
    }
    expect(toSlow).toBe(1);
  });

  it('never picks an excluded instance', () => {
    const balancer = createBalancer(createTestDiscovery(['http://a', 'http://b']));
    expect(balancer.pick(service, new Set(['http://a']))?.instance.url).toBe('http://b');
    expect(balancer.pick(service, new Set(['http://a', 'http://b']))).toBeUndefined();
  });

  it('counts a release once', () => {
    const balancer = createBalancer(createTestDiscovery(['http://a', 'http://b']));
    const first = balancer.pick(service, new Set(['http://b']));
    balancer.pick(service, new Set(['http://b']));
    first?.release();
    first?.release();
    // One is still in flight at a, so the next goes to b.
    expect(balancer.pick(service)?.instance.url).toBe('http://b');
  });

  it('starts from nothing with an instance that left with requests in flight and came back', () => {
    const discovery = createTestDiscovery(['http://a']);
    const balancer = createBalancer(discovery);
    const leases = pickMany(balancer, 10);
    discovery.instances = [];
    for (const lease of leases) lease.release();
    discovery.instances = [instanceAt('http://a'), instanceAt('http://b')];
    expect(countAt(pickMany(balancer, 10), 'http://a')).toBe(5);
  });
});
