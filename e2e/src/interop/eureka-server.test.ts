/** Our client works with Netflix's Eureka server. */
import { authorizationOf } from '@daybook/testing';
import { describeEurekaClient } from '@daybook/testing/eureka-contract';
import { BUILD_MILLIS, type EurekaServer, freePort, javaIsMissing, startEurekaServer } from '@daybook/testing/java';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { documentOf, request } from './eureka-calls.ts';

describe.skipIf(javaIsMissing("our client and Netflix's server"))("Netflix's server", () => {
  let server: EurekaServer;

  beforeAll(async () => {
    server = await startEurekaServer(await freePort(), { EUREKA_EVICTION_SECONDS: '1' });
  }, BUILD_MILLIS);
  afterAll(() => server?.program.end());

  describeEurekaClient("Netflix's server", async () => server);

  it('reports UP', async () => {
    for (const path of ['/actuator/health', '/actuator/health/liveness', '/actuator/health/readiness']) {
      const response = await request('GET', new URL(path, server.url).href);
      expect(response.status).toBe(200);
      expect(response.body).toMatchObject({ status: 'UP' });
    }
  });

  it('serves no other actuator endpoint', async () => {
    expect((await request('GET', new URL('/actuator/env', server.url).href)).status).toBe(404);
  });

  it('listens on loopback unless it is configured otherwise', async () => {
    const elsewhere = server.url.replace('127.0.0.1', '127.0.0.2');
    await expect(request('GET', `${elsewhere}/apps/`)).rejects.toThrow('fetch failed');
  });

  it('forgets one of few that was killed, since self-preservation is off', async () => {
    const { url } = server;
    const lease = { renewalIntervalInSecs: 1, durationInSecs: 1 };
    const killed = documentOf('killed-service', 'killed', { leaseInfo: lease });
    expect((await request('POST', `${url}/apps/KILLED-SERVICE`, killed)).status).toBe(204);
    const status = async () => (await request('GET', `${url}/apps/KILLED-SERVICE/killed`)).status;
    expect(await status()).toBe(200);
    await expect.poll(status, { timeout: 20_000, interval: 200 }).toBe(404);
  });

  describe('rejects what services/registry rejects:', () => {
    const app = 'apps/KILLED-SERVICE';
    const at = (path: string) => `${server.url}/${path}`;
    const register = (changes: object, user = 'killed-service') =>
      request('POST', at(app), documentOf('killed-service', 'trusted', changes), authorizationOf(user));

    beforeEach(async () => {
      expect((await register({})).status).toBe(204);
    });
    afterEach(() => request('DELETE', at(`${app}/trusted`)));

    it.each([
      ['POST', app],
      ['PUT', `${app}/trusted`],
      ['DELETE', `${app}/trusted`],
      ['PUT', `${app}/trusted/status?value=DOWN`],
      ['DELETE', `${app}/trusted/status`],
      ['PUT', `${app}/trusted/metadata?zone=z`],
      ['POST', 'peerreplication/batch/'],
    ])('%s %s without its user', async (method, path) => {
      const body = method === 'POST' ? documentOf('killed-service', 'trusted') : undefined;
      const anonymous = await fetch(at(path), { method, signal: AbortSignal.timeout(5_000) });
      expect(anonymous.status).toBe(401);
      expect(anonymous.headers.get('www-authenticate')).toMatch(/^Basic realm=/);
      const wrong = { authorization: `Basic ${btoa('killed-service:password-of-peer-a')}` };
      expect((await request(method, at(path), body, wrong)).status).toBe(401);
      expect((await request(method, at(path), body, authorizationOf('peer-a'))).status).toBe(403);
    });

    it('its status page, which may show passwords', async () => {
      expect((await request('GET', at('status'))).status).toBe(401);
    });

    it('a virtual address of another user', async () => {
      for (const name of ['patient-service', 'killed-service, PATIENT-service', 'identity-service', 'peer-a']) {
        expect((await register({ vipAddress: name })).status).toBe(403);
        expect((await register({ secureVipAddress: name })).status).toBe(403);
      }
      expect(JSON.stringify((await request('GET', at('vips/patient-service'))).body)).not.toContain('trusted');
      expect((await request('GET', at(`${app}/trusted`))).body).toMatchObject({
        instance: { vipAddress: 'killed-service' },
      });
    });

    it('a timestamp in the future', async () => {
      expect((await register({ lastDirtyTimestamp: '999999999999999' })).status).toBe(400);
      const renewal = at(`${app}/trusted?lastDirtyTimestamp=999999999999999`);
      expect((await request('PUT', renewal)).status).toBe(400);
    });

    it('another address of a live instance', async () => {
      for (const changes of [{ hostName: 'evil' }, { ipAddr: '10.6.6.6' }, { port: { $: 66, '@enabled': 'true' } }]) {
        expect((await register({ ...changes, lastDirtyTimestamp: String(Date.now()) })).status).toBe(409);
      }
    });

    it('all but a status from an operator', async () => {
      const status = at(`${app}/trusted/status?value=UP`);
      expect((await request('PUT', status, undefined, authorizationOf('operator'))).status).toBe(200);
      expect((await register({}, 'operator')).status).toBe(403);
    });
  });
});
