import { describe, expect, it } from 'vitest';
import { type LocalInstance, readApplications, toEurekaDocument } from './eureka-instance.ts';

const local: LocalInstance = {
  instanceId: '127.0.0.1:patient-service:41234',
  serviceId: 'patient-service',
  hostName: '127.0.0.1',
  ipAddr: '127.0.0.1',
  port: 41_234,
};
const state = { status: 'UP', lastDirtyTimestamp: 1_700_000_000_000, renewalIntervalMillis: 30_000 } as const;

function read(instances: unknown) {
  const unreadable: string[] = [];
  const document = { applications: { application: { name: 'ANY', instance: instances } } };
  return { known: readApplications(document, (reason) => unreadable.push(reason)), unreadable };
}

describe('our instance as a document', () => {
  const { instance } = toEurekaDocument(local, state);

  it('carries the service id in both vip addresses', () => {
    expect(instance).toMatchObject({
      app: 'PATIENT-SERVICE',
      vipAddress: 'patient-service',
      secureVipAddress: 'patient-service',
    });
  });

  it('writes the port as a number, its flag and the timestamps as text', () => {
    expect(instance.port).toEqual({ $: 41_234, '@enabled': 'true' });
    expect(instance.lastDirtyTimestamp).toBe('1700000000000');
    expect(instance.overriddenStatus).toBe('UNKNOWN');
  });

  it('puts the class first in dataCenterInfo', () => {
    expect(Object.keys(instance.dataCenterInfo)).toEqual(['@class', 'name']);
  });

  it("writes empty metadata as Java's empty map", () => {
    expect(instance.metadata).toEqual({ '@class': 'java.util.Collections$EmptyMap' });
  });

  it('asks for a lease of three renewals', () => {
    expect(instance.leaseInfo).toEqual({ renewalIntervalInSecs: 30, durationInSecs: 90 });
  });

  it('reads back as the same instance', () => {
    const { instance: zoned } = toEurekaDocument({ ...local, metadata: { zone: 'z1' } }, state);
    expect(read([zoned]).known.get('patient-service')).toEqual([
      {
        instanceId: local.instanceId,
        serviceId: 'patient-service',
        url: 'http://127.0.0.1:41234',
        metadata: { zone: 'z1' },
      },
    ]);
  });
});

describe('a list of applications', () => {
  const { instance } = toEurekaDocument(local, state);

  it('may hold an object where there is one instance', () => {
    expect(read(instance).known.get('patient-service')).toHaveLength(1);
  });

  it('loses only the instance that cannot be read', () => {
    const { known, unreadable } = read([null, { hostName: 7 }, { ...instance, port: 'none' }, instance]);
    expect(known.get('patient-service')).toHaveLength(1);
    expect(unreadable).toHaveLength(3);
  });

  it('is read without the instances that are not UP, and without complaint', () => {
    const { known, unreadable } = read([{ ...instance, status: 'OUT_OF_SERVICE' }]);
    expect(known.size).toBe(0);
    expect(unreadable).toEqual([]);
  });

  it.each(['evil/path', 'user@host', 'host?query', ''])('refuses the host name "%s"', (hostName) => {
    expect(read([{ ...instance, hostName }]).unreadable).toHaveLength(1);
  });

  it('gives the secure port where only that is enabled', () => {
    const secure = {
      ...instance,
      hostName: '::1',
      port: { $: 80, '@enabled': 'false' },
      securePort: { $: '8443', '@enabled': true },
    };
    expect(read([secure]).known.get('patient-service')?.[0]?.url).toBe('https://[::1]:8443');
  });

  it('is refused as a whole when it is something else', () => {
    expect(() => readApplications({ error: 'no' }, () => undefined)).toThrow('list of applications');
  });

  it('may be empty', () => {
    expect(readApplications({ applications: {} }, () => undefined).size).toBe(0);
  });
});
