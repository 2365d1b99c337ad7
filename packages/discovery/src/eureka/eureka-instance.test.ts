import { describe, expect, it } from 'vitest';
import { type LocalInstance, toEurekaDocument } from './eureka-instance.ts';

const local: LocalInstance = {
  instanceId: '127.0.0.1:patient-service:41234',
  serviceId: 'patient-service',
  hostName: '127.0.0.1',
  ipAddr: '127.0.0.1',
  port: 41_234,
};
const state = { status: 'UP', lastDirtyTimestamp: 1_700_000_000_000, renewalIntervalMillis: 30_000 } as const;

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

  it('enables the secure port, and no other, where TLS is spoken', () => {
    const secure = toEurekaDocument({ ...local, secure: true }, state).instance;
    expect(secure).toMatchObject({
      port: { '@enabled': 'false' },
      securePort: { $: 41_234, '@enabled': 'true' },
      secureHealthCheckUrl: 'https://127.0.0.1:41234/health/ready',
    });
    expect(secure).not.toHaveProperty('healthCheckUrl');
  });

  it('puts the class first in dataCenterInfo', () => {
    expect(Object.keys(instance.dataCenterInfo)).toEqual(['@class', 'name']);
  });

  it("writes empty metadata as Java's empty map", () => {
    expect(instance.metadata).toEqual({ '@class': 'java.util.Collections$EmptyMap' });
  });

  it('requests a lease of three renewals', () => {
    expect(instance.leaseInfo).toEqual({ renewalIntervalInSecs: 30, durationInSecs: 90 });
  });
});
