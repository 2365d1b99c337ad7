import { createTestClock, createTestKey, TEST_ISSUER } from '@daybook/access/testing';
import { Refusal } from '@daybook/contracts';
import { describe, expect, it } from 'vitest';
import type { IssuedToken, TokenRequest } from './identity-client.ts';
import { createServiceTokens } from './service-tokens.ts';

const MINUTE = 60_000;
const key = (await createTestKey()).signing;

/** Creates the tokens of a service, and an identity that numbers those that it issues. */
function setUp() {
  const { clock, advance } = createTestClock();
  const requests: TokenRequest[] = [];
  let state: 'up' | 'away' | 'rejects' = 'up';
  const identity = {
    async requestToken(parameters: TokenRequest): Promise<IssuedToken | undefined> {
      requests.push(parameters);
      if (state === 'away') throw new Refusal('service-unavailable', 'away');
      if (state === 'rejects') return undefined;
      return { accessToken: `token-${requests.length}`, livesSeconds: 65 * 60 };
    },
  };
  const tokens = createServiceTokens({
    clientId: 'appointment-service',
    key,
    issuer: TEST_ISSUER,
    identity,
    operations: {
      'patient-service': ['getPatientEligibility'],
      'doctor-service': ['getAvailability', 'findAvailability'],
    },
    clock,
  });
  return {
    tokens,
    requests,
    advance,
    become(other: typeof state) {
      state = other;
    },
  };
}

describe('the tokens of a service', () => {
  it('name the called service and its operations, and prove the caller by its key', async () => {
    const { tokens, requests } = setUp();
    expect(await tokens.authorizationFor('doctor-service')).toBe('Bearer token-1');
    expect(requests[0]).toMatchObject({
      grant_type: 'client_credentials',
      resource: 'urn:daybook:service:doctor-service',
      scope: 'getAvailability findAvailability',
    });
    const [, payload = ''] = requests[0]?.client_assertion?.split('.') ?? [];
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({
      iss: 'appointment-service',
      sub: 'appointment-service',
      aud: TEST_ISSUER,
    });
  });

  it('are requested once for simultaneous calls, and for each service', async () => {
    const { tokens, requests } = setUp();
    const called = ['patient-service', 'patient-service', 'doctor-service', 'patient-service'];
    await Promise.all(called.map((service) => tokens.authorizationFor(service)));
    expect(requests).toHaveLength(2);
  });

  it('are renewed behind a call after five minutes', async () => {
    const { tokens, requests, advance } = setUp();
    await tokens.authorizationFor('patient-service');
    advance(5 * MINUTE + 1);
    expect(await tokens.authorizationFor('patient-service')).toBe('Bearer token-1');
    await expect.poll(() => tokens.authorizationFor('patient-service')).toBe('Bearer token-2');
    expect(requests).toHaveLength(2);
  });

  it('serve until they expire while identity is away, and identity is tried every five seconds', async () => {
    const { tokens, requests, advance, become } = setUp();
    await tokens.authorizationFor('patient-service');
    become('away');
    advance(60 * MINUTE);
    for (let n = 0; n < 10; n += 1) expect(await tokens.authorizationFor('patient-service')).toBe('Bearer token-1');
    await expect.poll(() => requests.length).toBe(2);
    advance(5_001);
    await tokens.authorizationFor('patient-service');
    await expect.poll(() => requests.length).toBe(3);
    advance(5 * MINUTE);
    await expect(tokens.authorizationFor('patient-service')).rejects.toMatchObject({ code: 'service-unavailable' });
    become('up');
    expect(await tokens.authorizationFor('patient-service')).toMatch(/^Bearer token-/);
  });

  it('are refused as a service that cannot be reached when identity rejects the key', async () => {
    const { tokens, become } = setUp();
    become('rejects');
    await expect(tokens.authorizationFor('patient-service')).rejects.toMatchObject({ code: 'service-unavailable' });
  });

  it('are requested again after a service rejected one, and only that one', async () => {
    const { tokens } = setUp();
    const rejected = await tokens.authorizationFor('patient-service');
    tokens.forget('patient-service', rejected);
    expect(await tokens.authorizationFor('patient-service')).toBe('Bearer token-2');
    tokens.forget('patient-service', rejected);
    expect(await tokens.authorizationFor('patient-service')).toBe('Bearer token-2');
  });

  it('do not exist for a service that is not called', async () => {
    await expect(setUp().tokens.authorizationFor('notification-service')).rejects.toThrow('no operation');
  });
});
