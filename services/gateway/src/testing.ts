/** Starts a gateway on a real port before real servers, for the tests of this folder. */
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { SigningKey } from '@daybook/access';
import { createTestIssuer, type TestIssuer } from '@daybook/access/testing';
import type { Role } from '@daybook/contracts';
import { createBalancer, createDialRules, type Discovery, type Instance } from '@daybook/discovery';
import { type Clock, createLogger, knownHostsOf, type Logger, systemClock } from '@daybook/service';
import { onTestFinished } from 'vitest';
import { buildApp, type ClientTimeouts } from './app.ts';
import { createGatewayAuthentication } from './authentication/authentication.ts';
import { createForwarding } from './http/forwarded.ts';
import { plugins } from './plugins.ts';
import type { ConcurrencyLimitOptions } from './resilience/concurrency-limit.ts';
import type { RateLimit } from './resilience/rate-limiter.ts';
import type { CompilerOptions } from './routes/compiler.ts';
import type { Route } from './routes/route.ts';
import { createRouteStore } from './routes/route-store.ts';
import type { TlsSettings } from './tls.ts';
import type { UpstreamOptions } from './upstream/upstreams.ts';
import type { TunnelOptions } from './websocket/tunnels.ts';

export interface TestServer {
  readonly url: string;
  readonly port: number;
  readonly server: Server;
  /** `GET /path?query`, in the order of arrival. */
  readonly requests: string[];
}

/** Closes what was started. Usually `onTestFinished`, unless several tests share it. */
export type CleanUp = (close: () => Promise<void>) => void;

/** Starts a server that closes when the test ends. */
export async function startServer(listener: RequestListener, cleanUp: CleanUp = onTestFinished): Promise<TestServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    listener(request, response);
  });
  const port = await listen(server);
  cleanUp(() => close(server));
  return { url: `http://127.0.0.1:${port}`, port, server, requests };
}

/** Returns the URL of a server that has stopped. */
export async function unreachableUrl(): Promise<string> {
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
  /** Sets the URLs of a service's instances. */
  setInstances(serviceId: string, urls: readonly string[]): void;
}

export function createTestDiscovery(refresh: () => Promise<void> = async () => undefined): TestDiscovery {
  const known = new Map<string, Instance[]>();
  return {
    instancesOf: (serviceId) => known.get(serviceId) ?? [],
    refresh,
    dialRules: createDialRules(),
    setInstances(serviceId, urls) {
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

export const TEST_PUBLIC_URL = 'https://daybook.example';

const nowSeconds = () => Math.floor(systemClock().epochMilliseconds / 1_000);
let sharedIssuer: Promise<TestIssuer> | undefined;

/** Returns an issuer with keys of its own, made at the first call. Its tokens are real, and of the present time. */
export function testIssuer(): Promise<TestIssuer> {
  sharedIssuer ??= createTestIssuer({ nowSeconds });
  return sharedIssuer;
}

/**
 * Starts a server with the key set of that issuer, and nothing else of identity. Set it as an instance of
 * `identity-service`, so that the gateway accepts the issuer's tokens.
 */
export async function startKeySetServer(cleanUp?: CleanUp): Promise<TestServer> {
  const issuer = await testIssuer();
  return startServer(async (_request, response) => void response.end(await issuer.signKeySet()), cleanUp);
}

/** Returns the headers of a request by a caller with this role. */
export async function headersOf(role: Role): Promise<{ authorization: string }> {
  return { authorization: `Bearer ${await (await testIssuer()).sign({ role })}` };
}

export interface TestGatewayOptions {
  /** The URLs of the patient service. */
  patients?: readonly string[];
  /** The URLs of the identity service, which is away by default. */
  identity?: readonly string[];
  discovery?: TestDiscovery;
  routes?: readonly Route[];
  /** Addresses and networks. */
  trustedProxies?: readonly string[];
  /** In addition to the plugins and the forwarding. */
  compiler?: Partial<CompilerOptions>;
  upstream?: UpstreamOptions;
  tunnel?: TunnelOptions;
  concurrencyLimit?: ConcurrencyLimitOptions;
  clientTimeouts?: ClientTimeouts;
  tls?: TlsSettings;
  /** In addition to the hosts in this file's requests. */
  hosts?: readonly string[];
  publicUrl?: string;
  /** The issuer that the gateway believes; by default one for all tests of a file. Identity itself is away. */
  issuer?: { readonly rootKey: Pick<TestIssuer['rootKey'], 'verification'> };
  /** The key of the client `gateway-service`. */
  serviceKey?: SigningKey;
  /** Of the callers' tokens and sessions. */
  clock?: Clock;
  logger?: Logger;
  /** A file with a key set, which the gateway reads at its start. */
  keySetFile?: string;
  /** The sessions without a token that one address may send. */
  unknownSessions?: RateLimit;
  cleanUp?: CleanUp;
}

export async function startGateway(options: TestGatewayOptions = {}) {
  const { discovery = createTestDiscovery(), routes = [PATIENTS], patients, upstream, tunnel } = options;
  const forwarding = createForwarding(options.trustedProxies);
  const routeStore = createRouteStore(JSON.stringify({ routes }), { plugins, forwarding, ...options.compiler });
  if (options.identity) discovery.setInstances('identity-service', options.identity);
  if (patients) discovery.setInstances('patient-service', patients);
  const { logger = createLogger({ level: 'silent' }), clock = systemClock, keySetFile } = options;
  const balancer = createBalancer(discovery);
  const { rootKey } = options.issuer ?? (await testIssuer());
  const authentication = await createGatewayAuthentication({
    logger,
    discovery,
    balancer,
    publicUrl: new URL(options.publicUrl ?? TEST_PUBLIC_URL),
    rootKey: rootKey.verification,
    serviceKey: options.serviceKey ?? (await testIssuer()).key.signing,
    clock,
    ...(keySetFile !== undefined && { keySetFile }),
    ...(options.unknownSessions && { unknownSessions: options.unknownSessions }),
  });
  const app = await buildApp({
    logger,
    discovery,
    balancer,
    routes: routeStore,
    forwarding,
    authentication,
    ...(upstream && { upstream }),
    ...(tunnel && { tunnel }),
    ...(options.concurrencyLimit && { concurrencyLimit: options.concurrencyLimit }),
    ...(options.tls && { tls: options.tls }),
    ...(options.clientTimeouts && { clientTimeouts: options.clientTimeouts }),
  });
  // For handwritten requests.
  knownHostsOf(app).add('x', 'daybook.example', 'inner.example', 'my.host', ...(options.hosts ?? []));
  if (options.publicUrl !== undefined) knownHostsOf(app).addPublicUrl(options.publicUrl);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const { cleanUp = onTestFinished } = options;
  cleanUp(async () => {
    app.server.closeAllConnections();
    await app.close();
  });
  return { app, url, port: Number(new URL(url).port), discovery, routes: routeStore };
}

/** Sends raw bytes and returns all received bytes when the connection ends. */
export async function sendRaw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.write(bytes);
  return await text(socket);
}
