/** For this folder's tests: a gateway on a real port before real servers. */
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { createBalancer, type Discovery, type Instance } from '@daybook/discovery';
import { createLogger } from '@daybook/service';
import { onTestFinished } from 'vitest';
import { buildApp } from './app.ts';
import type { Route } from './routes.ts';
import type { UpstreamOptions } from './upstreams.ts';

export interface TestServer {
  readonly url: string;
  readonly port: number;
  readonly server: Server;
  /** `GET /path?query`, in the order in which they came. */
  readonly requests: string[];
}

/** A server that is closed when the test ends. */
export async function startServer(listener: RequestListener): Promise<TestServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    listener(request, response);
  });
  const port = await listen(server);
  onTestFinished(() => close(server));
  return { url: `http://127.0.0.1:${port}`, port, server, requests };
}

/** The URL of a server that is not there any more. */
export async function deadUrl(): Promise<string> {
  const server = createServer();
  const port = await listen(server);
  await close(server);
  return `http://127.0.0.1:${port}`;
}

async function listen(server: Server): Promise<number> {
  const listening = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', listening.resolve);
  await listening.promise;
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the test server has no port');
  return address.port;
}

async function close(server: Server): Promise<void> {
  const closed = Promise.withResolvers<void>();
  server.close(() => closed.resolve());
  server.closeAllConnections();
  await closed.promise;
}

export interface TestDiscovery extends Discovery {
  /** From now on a service has its instances at these URLs. */
  place(serviceId: string, urls: readonly string[]): void;
}

export function createTestDiscovery(refresh: () => Promise<void> = async () => undefined): TestDiscovery {
  const known = new Map<string, Instance[]>();
  return {
    instancesOf: (serviceId) => known.get(serviceId) ?? [],
    refresh,
    place(serviceId, urls) {
      known.set(
        serviceId,
        urls.map((url) => ({ instanceId: `${serviceId}@${url}`, serviceId, url, metadata: {} })),
      );
    },
  };
}

export const PATIENTS: Route = {
  id: 'patients',
  predicates: { path: ['/api/v1/patients', '/api/v1/patients/**'] },
  service: 'patient-service',
};

export interface TestGatewayOptions {
  /** Where the patient service is. */
  patients?: readonly string[];
  discovery?: TestDiscovery;
  routes?: readonly Route[];
  upstream?: UpstreamOptions;
}

export async function startGateway(options: TestGatewayOptions = {}) {
  const { discovery = createTestDiscovery(), routes = [PATIENTS], patients, upstream } = options;
  if (patients) discovery.place('patient-service', patients);
  const app = await buildApp({
    logger: createLogger({ level: 'silent', pretty: false }),
    discovery,
    balancer: createBalancer(discovery),
    routes,
    ...(upstream && { upstream }),
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  onTestFinished(async () => {
    app.server.closeAllConnections();
    await app.close();
  });
  return { app, url, port: Number(new URL(url).port), discovery };
}

/** Sends bytes as they are and reads all that is answered until the connection ends. */
export async function sendRaw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.write(bytes);
  return await text(socket);
}
