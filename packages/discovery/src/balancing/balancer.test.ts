import { describe, expect, it } from 'vitest';
import { createTestDiscovery, instanceAt } from '../testing.ts';
import { type BalancerOptions, createBalancer, type Selection } from './balancer.ts';

const service = 'patient-service';

function pickMany(balancer: ReturnType<typeof createBalancer>, count: number): Selection[] {
  return Array.from({ length: count }, () => balancer.pick(service)).filter((lease) => lease !== undefined);
}

const countAt = (leases: readonly Selection[], url: string) =>
  leases.filter((lease) => lease.instance.url === url).length;

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
    // One request is still in flight at a, so the next goes to b.
    expect(balancer.pick(service)?.instance.url).toBe('http://b');
  });

  it('starts from nothing with an instance that left with requests in flight and came back', () => {
    const discovery = createTestDiscovery(['http://a']);
    const balancer = createBalancer(discovery, { slowStartMillis: 0 });
    const leases = pickMany(balancer, 10);
    discovery.instances = [];
    for (const lease of leases) lease.release();
    discovery.instances = [instanceAt('http://a'), instanceAt('http://b')];
    expect(countAt(pickMany(balancer, 10), 'http://a')).toBe(5);
  });
});

describe('instances with', () => {
  const countOf = (leases: readonly Selection[], name: string) => countAt(leases, `http://${name}`);

  it('a weight get a share by that', () => {
    const discovery = createTestDiscovery([]);
    discovery.instances = [
      instanceAt('http://small'),
      { ...instanceAt('http://large'), metadata: { weight: '3' } },
      { ...instanceAt('http://odd'), metadata: { weight: '-7' } },
    ];
    const leases = pickMany(createBalancer(discovery, { slowStartMillis: 0 }), 500);
    expect(countOf(leases, 'large')).toBeGreaterThan(290);
    expect(countOf(leases, 'large')).toBeLessThan(310);
    expect(countOf(leases, 'odd')).toBeGreaterThan(90);
  });

  it('a zone get the requests of that zone, and others get them when none of that zone is left', () => {
    const discovery = createTestDiscovery([]);
    discovery.instances = [
      { ...instanceAt('http://here'), metadata: { zone: 'north' } },
      { ...instanceAt('http://there'), metadata: { zone: 'south' } },
      instanceAt('http://anywhere'),
    ];
    const here = createBalancer(discovery, { zone: 'north', slowStartMillis: 0 });
    expect(countOf(pickMany(here, 30), 'here')).toBe(30);
    expect(here.pick(service, new Set(['http://here']))?.instance.url).not.toBe('http://here');
    const elsewhere = createBalancer(discovery, { zone: 'west', slowStartMillis: 0 });
    expect(countOf(pickMany(elsewhere, 30), 'there')).toBeGreaterThan(6);
    discovery.instances = discovery.instances.filter(({ metadata }) => metadata.zone !== 'north');
    expect(here.pick(service)?.instance.url).not.toBe('http://here');
  });
});

describe('a new instance', () => {
  /** Returns a reproducible, evenly distributed generator. */
  function createRandom(): () => number {
    let state = 1;
    return () => {
      state = (state * 48_271) % 2_147_483_647;
      return state / 2_147_483_647;
    };
  }

  /** Creates a balancer with old instances and one new instance. */
  function createSetting(old: readonly string[], options: BalancerOptions = {}) {
    const time = { now: 1_000_000 };
    const discovery = createTestDiscovery(old);
    // Like the real discovery, returns the same array until something changes.
    discovery.instancesOf = () => discovery.instances;
    const balancer = createBalancer(discovery, { now: () => time.now, random: createRandom(), ...options });
    balancer.pick(service)?.release();
    discovery.instances = [...discovery.instances, instanceAt('http://new')];
    /** Returns the new instance's share of a thousand requests, with `atOnce` of them concurrent. */
    const shareOfNew = (atOnce: number): number => {
      let toNew = 0;
      for (let round = 0; round < 1_000 / atOnce; round += 1) {
        const leases = pickMany(balancer, atOnce);
        toNew += countAt(leases, 'http://new');
        for (const lease of leases) lease.release();
      }
      return toNew;
    };
    return { time, discovery, balancer, shareOfNew };
  }

  it.each([1, 20])('gets little at first and its share in the end, of %i requests at once', (atOnce) => {
    const { time, shareOfNew } = createSetting(['http://a']);
    const shares: number[] = [];
    for (let second = 0; second <= 10; second += 1) {
      shares.push(shareOfNew(atOnce));
      time.now += 1_000;
    }
    expect(shares[0]).toBeGreaterThan(10);
    expect(shares[0]).toBeLessThan(200);
    expect(shares[5]).toBeGreaterThan(200);
    expect(shares[10]).toBeGreaterThan(450);
    expect(shares[10]).toBeLessThan(550);
  });

  it('is not flooded although it is the only one that has nothing to do', () => {
    const { balancer, discovery } = createSetting(['http://a', 'http://b', 'http://c']);
    discovery.instances = discovery.instances.slice(0, 3);
    const busy = pickMany(balancer, 300);
    discovery.instances = [...discovery.instances, instanceAt('http://newer')];
    expect(countAt(pickMany(balancer, 100), 'http://newer')).toBeLessThan(20);
    for (const lease of busy) lease.release();
  });

  it('gets everything when it is the only one', () => {
    const { balancer } = createSetting(['http://a']);
    expect(balancer.pick(service, new Set(['http://a']))?.instance.url).toBe('http://new');
  });

  it('shares evenly with others that are as new', () => {
    const { balancer, discovery } = createSetting([]);
    discovery.instances = ['http://x', 'http://y'].map(instanceAt);
    expect(countAt(pickMany(balancer, 100), 'http://x')).toBe(50);
  });

  it('is not one that was there when the service was first requested', () => {
    const balancer = createBalancer(createTestDiscovery(['http://a', 'http://b']), { now: () => 0 });
    expect(countAt(pickMany(balancer, 100), 'http://a')).toBe(50);
  });

  it('is one that left and came back', () => {
    const { time, discovery, balancer, shareOfNew } = createSetting(['http://a']);
    shareOfNew(1);
    time.now += 10_000;
    expect(shareOfNew(20)).toBeGreaterThan(400);
    discovery.instances = discovery.instances.slice(0, 1);
    balancer.pick(service)?.release();
    discovery.instances = [...discovery.instances, instanceAt('http://new')];
    expect(shareOfNew(20)).toBeLessThan(200);
  });
});
