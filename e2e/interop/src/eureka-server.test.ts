/** Our client and the Eureka server that deployments run. */
import { describeEurekaClient } from '@daybook/testing/eureka-contract';
import { BUILD_MILLIS, type EurekaServer, freePort, javaIsMissing, startEurekaServer } from '@daybook/testing/java';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, documentOf } from './eureka-calls.ts';

describe.skipIf(javaIsMissing("our client and Netflix's server"))("Netflix's server", () => {
  let server: EurekaServer;

  beforeAll(async () => {
    server = await startEurekaServer(await freePort(), { EUREKA_EVICTION_SECONDS: '1' });
  }, BUILD_MILLIS);
  afterAll(() => server?.program.end());

  describeEurekaClient("Netflix's server", async () => server);

  it('says that it is well', async () => {
    for (const path of ['/actuator/health', '/actuator/health/liveness', '/actuator/health/readiness']) {
      const answer = await ask('GET', new URL(path, server.url).href);
      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({ status: 'UP' });
    }
  });

  it('shows nothing else of its inside', async () => {
    expect((await ask('GET', new URL('/actuator/env', server.url).href)).status).toBe(404);
  });

  it('listens for this machine alone unless it is told otherwise', async () => {
    const elsewhere = server.url.replace('127.0.0.1', '127.0.0.2');
    await expect(ask('GET', `${elsewhere}/apps/`)).rejects.toThrow('fetch failed');
  });

  it('forgets one of few that was killed, since self-preservation is off', async () => {
    const { url } = server;
    const lease = { renewalIntervalInSecs: 1, durationInSecs: 1 };
    const killed = documentOf('killed-service', 'killed', { leaseInfo: lease });
    expect((await ask('POST', `${url}/apps/KILLED-SERVICE`, killed)).status).toBe(204);
    const status = async () => (await ask('GET', `${url}/apps/KILLED-SERVICE/killed`)).status;
    expect(await status()).toBe(200);
    await expect.poll(status, { timeout: 20_000, interval: 200 }).toBe(404);
  });
});
