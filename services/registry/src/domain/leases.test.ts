import { describe, expect, it } from 'vitest';
import { applicationsOf } from './applications.ts';
import type { Registration } from './instance.ts';
import type { Moment } from './lease.ts';
import { createLeases } from './leases.ts';

const APP = 'PATIENT-SERVICE';
const ID = 'host:patient-service:1';

/** The two clocks agree unless a test sets them apart. */
const at = (millis: number, epochMillis = millis): Moment => ({ epochMillis, awakeMillis: millis });

const registration = (changes: Partial<Registration> = {}): Registration => ({
  instanceId: ID,
  hostName: 'host',
  app: 'patient-service',
  ipAddr: '127.0.0.1',
  status: 'UP',
  dataCenterInfo: { name: 'MyOwn' },
  leaseInfo: { renewalIntervalInSecs: 30, durationInSecs: 90 },
  lastDirtyTimestamp: '100',
  ...changes,
});

function registered(changes: Partial<Registration> = {}) {
  const leases = createLeases();
  leases.register(registration(changes), at(0));
  return leases;
}

describe('a lease', () => {
  it('is evicted when it was not renewed for its duration, and not before', () => {
    const leases = registered();
    expect(leases.evictExpired(at(90_000))).toEqual([]);
    expect(leases.evictExpired(at(90_001))).toEqual([{ app: APP, id: ID }]);
    expect(leases.all()).toEqual([]);
  });

  it('lives on when it is renewed', () => {
    const leases = registered();
    expect(leases.renew(APP, ID, at(80_000), 100)).toBe('renewed');
    expect(leases.evictExpired(at(170_000))).toEqual([]);
  });

  it('is not evicted because the clock was set', () => {
    const leases = createLeases();
    leases.register(registration(), at(0, 1_700_000_000_000));
    leases.renew(APP, ID, at(1_000, 1_800_000_000_000), 100);
    expect(leases.of(APP, ID)?.leaseInfo).toMatchObject({
      registrationTimestamp: 1_700_000_000_000,
      lastRenewalTimestamp: 1_800_000_000_000,
    });
    expect(leases.evictExpired(at(91_000))).toEqual([]);
    expect(leases.evictExpired(at(91_001))).toHaveLength(1);
  });

  it('is not renewed when it was never registered', () => {
    expect(createLeases().renew(APP, ID, at(0))).toBe('unknown');
  });

  it('is not renewed when the instance has changed since it registered', () => {
    expect(registered().renew(APP, ID, at(0), 101)).toBe('newer');
    expect(registered().renew(APP, ID, at(0), 99)).toBe('older');
  });

  it('cannot be longer than a day', () => {
    const leases = registered({ leaseInfo: { durationInSecs: 1e9 } });
    expect(leases.evictExpired(at(24 * 60 * 60 * 1000 + 1))).toHaveLength(1);
  });

  it('is cancelled once', () => {
    const leases = registered();
    expect(leases.cancel('patient-service', ID, at(1))).toBe(true);
    expect(leases.cancel(APP, ID, at(1))).toBe(false);
  });

  it('is refused when the registry is full, but an instance that is known may register again', () => {
    const leases = createLeases({ maxInstances: 1 });
    expect(leases.register(registration(), at(0))).toBe('registered');
    expect(leases.register(registration({ instanceId: 'other' }), at(0))).toBe('full');
    expect(leases.register(registration({ status: 'DOWN' }), at(0))).toBe('registered');
    expect(leases.of(APP, ID)?.status).toBe('DOWN');
  });

  it('goes by the host name when there is no instance id', () => {
    const { instanceId: _none, ...anonymous } = registration();
    const leases = createLeases();
    leases.register(anonymous, at(0));
    expect(leases.of(APP, 'host')?.instanceId).toBe('host');
  });
});

describe('an override', () => {
  it('replaces UP, and outlives a registration', () => {
    const leases = registered();
    expect(leases.override(APP, ID, 'OUT_OF_SERVICE', at(1))).toBe(true);
    leases.register(registration(), at(2));
    expect(leases.of(APP, ID)).toMatchObject({ status: 'OUT_OF_SERVICE', overriddenStatus: 'OUT_OF_SERVICE' });
  });

  it('never makes an instance UP that is not', () => {
    const leases = registered({ status: 'STARTING' });
    leases.override(APP, ID, 'UP', at(1));
    expect(leases.of(APP, ID)?.status).toBe('STARTING');
  });

  it("gives way to the instance's own status when it is removed", () => {
    const leases = registered();
    leases.override(APP, ID, 'OUT_OF_SERVICE', at(1));
    expect(leases.removeOverride(APP, ID, undefined, at(2))).toBe(true);
    expect(leases.of(APP, ID)).toMatchObject({ status: 'UP', overriddenStatus: 'UNKNOWN' });
  });

  it('of an unknown instance is refused', () => {
    expect(createLeases().override(APP, ID, 'UP', at(1))).toBe(false);
    expect(createLeases().removeOverride(APP, ID, 'UP', at(1))).toBe(false);
  });
});

describe('metadata', () => {
  it('is added to what was registered', () => {
    const leases = registered({ metadata: { '@class': 'java.util.HashMap', zone: 'z1' } });
    expect(leases.addMetadata(APP, ID, { version: '2' }, at(1))).toBe('added');
    expect(leases.of(APP, ID)?.metadata).toEqual({ zone: 'z1', version: '2' });
  });

  it('has a limit', () => {
    const many = Object.fromEntries(Array.from({ length: 201 }, (_, i) => [`k${i}`, 'v']));
    expect(registered().addMetadata(APP, ID, many, at(1))).toBe('full');
  });

  it('of an unknown instance is refused', () => {
    expect(createLeases().addMetadata(APP, ID, { a: 'b' }, at(1))).toBe('unknown');
  });
});

describe('the hash of a list', () => {
  const hashOf = (...statuses: (readonly [string, Registration['status']])[]) => {
    const leases = createLeases();
    for (const [instanceId, status = 'UP'] of statuses) leases.register(registration({ instanceId, status }), at(0));
    expect(applicationsOf(leases.all(), 'full').apps__hashcode).toBe(leases.hash());
    return leases.hash();
  };

  it('is empty when there are no instances', () => {
    expect(hashOf()).toBe('');
  });

  it('counts each status, in alphabetical order', () => {
    expect(hashOf(['a', 'UP'], ['b', 'DOWN'], ['c', 'UP'])).toBe('DOWN_1_UP_2_');
  });
});
