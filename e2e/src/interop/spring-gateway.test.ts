/** Spring Cloud Gateway works before our services, and our gateway before a Spring service, through either registry. */
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import type { DaybookClient } from '@daybook/client';
import { type CallableSystem, clientOf, eurekaUrlOf, startDaybook, temporaryFolder } from '@daybook/testing';
import {
  BUILD_MILLIS,
  freePort,
  javaIsMissing,
  startEurekaServer,
  startJavaClient,
  startSpringCloudGateway,
} from '@daybook/testing/java';
import { describe, expect, it, vi } from 'vitest';
import { startEmbedded } from '../support/embedded.ts';
import { describeGoldenJourney, type JourneyContext } from '../system/golden-journey.ts';
import { request } from './eureka-calls.ts';

const POLL_OPTIONS = { timeout: 30_000, interval: 100 };
const ROUTES = join(import.meta.dirname, '../../../services/gateway/routes.json');

interface Routes {
  readonly routes: readonly { readonly predicates: { readonly path: readonly string[] }; readonly service: string }[];
}

/** Starts a registry that the stack ends. Returns undefined to use the system's own registry. */
type StartEureka = (stack: AsyncDisposableStack) => Promise<string | undefined>;

const REGISTRIES: { registry: string; startEureka: StartEureka }[] = [
  { registry: 'our registry', startEureka: async () => undefined },
  {
    registry: "Netflix's server",
    async startEureka(stack) {
      const { url, program } = await startEurekaServer(await freePort());
      stack.defer(() => program.end().then(() => undefined));
      return url;
    },
  },
];

/** Returns a function that maps a path to its service, by our own gateway's routes. */
async function serviceOfPaths(): Promise<(path: string) => string> {
  const { routes }: Routes = JSON.parse(await readFile(ROUTES, 'utf8'));
  return (path) => {
    const route = routes.find(({ predicates }) =>
      predicates.path.some((pattern) =>
        pattern.endsWith('/**') ? path.startsWith(pattern.slice(0, -2)) : path === pattern,
      ),
    );
    if (!route) throw new Error(`no service has ${path}`);
    return route.service;
  };
}

/** Creates a client with the discovery locator's paths: `/patient-service/api/v1/patients`. */
async function clientThroughLocator(gateway: CallableSystem): Promise<DaybookClient> {
  const client = clientOf(gateway);
  const serviceOf = await serviceOfPaths();
  client.use({
    onRequest({ request }) {
      const url = new URL(request.url);
      url.pathname = `/${serviceOf(url.pathname)}${url.pathname}`;
      return new Request(url, request);
    },
  });
  return client;
}

/** Waits until the gateway's round robin no longer includes an instance that is gone. */
async function knows(gatewayUrl: string, name: string): Promise<void> {
  await vi.waitFor(async () => {
    for (let attempt = 0; attempt < 4; attempt += 1) {
      expect((await request('GET', `${gatewayUrl}/${name}-service/health/live`)).status).toBe(200);
    }
  }, POLL_OPTIONS);
}

const missing = javaIsMissing('gateways of Spring and ours, through either registry');

describe.skipIf(missing).for(REGISTRIES)('through $registry', ({ startEureka }) => {
  let eurekaUrl: string;

  describeGoldenJourney(async (stack) => {
    const folder = stack.use(await temporaryFolder());
    const given = await startEureka(stack);
    const system = await startEmbedded(folder.path, given === undefined ? {} : { eurekaUrl: given });
    stack.defer(() => system.close());
    eurekaUrl = system.registryUrl;
    const gateway = await startSpringCloudGateway({ eurekaUrl });
    stack.defer(() => gateway.program.end().then(() => undefined));
    for (const service of ['patient', 'doctor', 'appointment', 'notification']) await knows(gateway.url, service);
    const waiting: JourneyContext['system'] = {
      stop: system.stop,
      async restart(name) {
        await system.restart(name);
        await knows(gateway.url, name);
      },
    };
    return { client: await clientThroughLocator({ ...system, url: gateway.url }), system: waiting };
  }, BUILD_MILLIS);

  it(
    'our gateway finds a service of Spring Boot, and returns 503 when it has left',
    async () => {
      await using stack = new AsyncDisposableStack();
      const data = stack.use(await temporaryFolder()).path;
      const service = await startJavaClient('spring-service', eurekaUrl);
      stack.defer(() => service.program.end().then(() => undefined));
      const routes = join(data, 'routes.json');
      const spring = { id: 'spring', predicates: { path: ['/greeting'] }, service: 'spring-service' };
      await writeFile(routes, JSON.stringify({ routes: [spring] }));
      const environment = { EUREKA_URL: eurekaUrlOf('gateway-service', eurekaUrl), DAYBOOK_ROUTES: routes };
      const gateway = await startDaybook({ data, service: 'gateway', environment });
      stack.defer(() => gateway.end().then(() => undefined));
      const greeting = () => request('GET', `${gateway.url}/greeting`);
      await expect.poll(greeting, POLL_OPTIONS).toEqual({ status: 200, body: { from: 'spring-service' } });
      await service.program.end();
      expect(await greeting()).toMatchObject({ status: 503, body: { code: 'service-unavailable' } });
    },
    BUILD_MILLIS,
  );
});

describe.skipIf(missing)('Spring Cloud Gateway with one route over two services that are named', () => {
  it(
    'balances between them, and forwards their responses',
    async () => {
      await using stack = new AsyncDisposableStack();
      const upstreams: string[] = [];
      for (const name of ['one', 'other']) {
        const server = createServer((request, response) => response.end(JSON.stringify({ name, path: request.url })));
        stack.defer(async () => void (await once(server.close(), 'close')));
        await once(server.listen(0, '127.0.0.1'), 'listening');
        const address = server.address();
        if (address === null || typeof address === 'string') throw new Error('the service has no port');
        upstreams.push(`http://127.0.0.1:${address.port}`);
      }
      const gateway = await startSpringCloudGateway({ upstreams });
      stack.defer(() => gateway.program.end().then(() => undefined));
      const responses = new Set<unknown>();
      for (let attempt = 0; attempt < 4; attempt += 1)
        responses.add((await request('GET', `${gateway.url}/a/b?c=d`)).body);
      expect([...responses].toSorted()).toEqual([
        '{"name":"one","path":"/a/b?c=d"}',
        '{"name":"other","path":"/a/b?c=d"}',
      ]);
    },
    BUILD_MILLIS,
  );
});
