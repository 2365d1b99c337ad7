/** Builds the gateway from its dependencies. Does not open a port. */
import type { IncomingMessage, RequestListener, ServerOptions, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Balancer, Discovery } from '@daybook/discovery';
import {
  type App,
  BROWSER_HEADERS,
  createServiceApp,
  guarded,
  isHostMissing,
  type KnownHosts,
  knownHostsOf,
  type Logger,
  onDraining,
  requestIdOf,
  responseDue,
  socketOf,
  traceOf,
} from '@daybook/service';
import { addDocs } from './api/docs.ts';
import { addOpenApiDocument } from './api/openapi.ts';
import { authenticateOwn } from './api/own-requests.ts';
import { addParkedEvents } from './api/parked-events.ts';
import { addRoutesAdmin } from './api/routes-admin.ts';
import { addSignIn } from './api/sign-in.ts';
import type { GatewayAuthentication } from './authentication/authentication.ts';
import { IDENTITY_SERVICE, isIdentityPath } from './authentication/identity-calls.ts';
import { ambiguityIn, MISPLACED_HANDSHAKE, refuseAmbiguous } from './http/ambiguous-request.ts';
import { type FastPathOptions, FastPathServer } from './http/fast-path/server.ts';
import { createForwarding, type Forwarding } from './http/forwarded.ts';
import { hasBody } from './http/request-body.ts';
import { createAccessLog } from './proxy/access-log.ts';
import { createSiteCheck } from './proxy/cross-site.ts';
import { createReverseProxy, type ReverseProxy } from './proxy/reverse-proxy.ts';
import type { ConcurrencyLimitOptions } from './resilience/concurrency-limit.ts';
import type { RouteStore } from './routes/route-store.ts';
import type { TlsSettings } from './tls.ts';
import type { UpstreamOptions } from './upstream/upstreams.ts';
import { isWebSocketUpgrade } from './websocket/handshake.ts';
import type { TunnelOptions } from './websocket/tunnels.ts';
import { createWebSocketProxy } from './websocket/websocket-proxy.ts';

const NAME = 'gateway-service';
/** Fastify's default, which it does not set on a custom server. Load balancers keep connections for a shorter time. */
const KEEP_ALIVE_MILLIS = 72_000;

export interface ClientTimeouts {
  /** How long a client may take to send a whole request. */
  readonly requestMillis: number;
  /** How often the server checks for requests that take longer. */
  readonly checkMillis: number;
}

const CLIENT_TIMEOUTS: ClientTimeouts = { requestMillis: 30_000, checkMillis: 5_000 };

export interface GatewayOptions {
  logger: Logger;
  discovery: Discovery;
  balancer: Balancer;
  /** Read for every request. */
  routes: RouteStore;
  /** The file that the routes come from. */
  routesFile?: string;
  /** Verifies the callers. The app closes it. */
  authentication: GatewayAuthentication;
  forwarding?: Forwarding;
  upstream?: UpstreamOptions;
  tunnel?: TunnelOptions;
  /** Per service. */
  concurrencyLimit?: ConcurrencyLimitOptions;
  clientTimeouts?: ClientTimeouts;
  /** Without it, the gateway serves plain HTTP. */
  tls?: TlsSettings;
}

/**
 * Creates the server. Both kinds have the same settings and events, but only unencrypted connections use the fast path.
 */
const openServer = (
  tls: TlsSettings | undefined,
  settings: ServerOptions,
  listener: RequestListener,
  fastPath: FastPathOptions,
) => (tls ? createTlsServer({ ...settings, ...tls }, listener) : new FastPathServer(settings, listener, fastPath));

/**
 * Removes the content type of a request without a body. Fastify would wait for a body, and the empty stream has no end.
 */
function dropContentTypeWithoutBody(request: IncomingMessage): IncomingMessage {
  if (!hasBody(request)) delete request.headers['content-type'];
  return request;
}

/** Builds the app. Requests that match a route go to the proxy before Fastify; Fastify handles all others. */
export async function buildApp(options: GatewayOptions): Promise<App> {
  const { logger, discovery, balancer, routes, routesFile, authentication, upstream, tunnel, concurrencyLimit, tls } =
    options;
  const { forwarding = createForwarding() } = options;
  const { requestMillis, checkMillis } = options.clientTimeouts ?? CLIENT_TIMEOUTS;
  const services = () => routes.current.services;
  const servicesWithDocument = () => {
    const described = routes.current.routes.filter(({ service, predicates }) =>
      service === IDENTITY_SERVICE ? !predicates.path.every(isIdentityPath) : true,
    );
    return [...new Set(described.map(({ service }) => service))];
  };
  const gatewayLogger = logger.child({ service: NAME });
  let proxy: ReverseProxy;
  let knownHosts: KnownHosts;
  // Fastify rejects a request whose Host is missing or unknown.
  const match = (request: IncomingMessage) =>
    isHostMissing(request) || !knownHosts.isFor(request) ? undefined : routes.current.table.match(request);

  /**
   * After an upgrade, Node no longer manages the connection. Thus no response may be pending there, and no body may
   * follow.
   */
  const shouldUpgrade = guarded(
    socketOf,
    (request: IncomingMessage) =>
      isWebSocketUpgrade(request) &&
      !hasBody(request) &&
      !responseDue(request.socket) &&
      !ambiguityIn(request) &&
      match(request) !== undefined,
  );

  const app = await createServiceApp({
    name: NAME,
    logger,
    authenticator: authentication.authenticator,
    openApi: false,
    headers: BROWSER_HEADERS,
    serverFactory: (handleWithFastify) =>
      openServer(
        tls,
        {
          requestTimeout: requestMillis,
          connectionsCheckingInterval: checkMillis,
          keepAliveTimeout: KEEP_ALIVE_MILLIS,
          requireHostHeader: false,
          // Most requests have no body. Creating a stream for none cost a seventh of a request.
          optimizeEmptyRequests: true,
          // Other upgrade requests are handled as ordinary requests.
          shouldUpgradeCallback: (request) => shouldUpgrade(request) === true,
        },
        guarded(socketOf, (request: IncomingMessage, response: ServerResponse) => {
          const ambiguity = ambiguityIn(request);
          const route = ambiguity ? undefined : match(request);
          if (ambiguity) refuseAmbiguous(ambiguity, request, response);
          else if (route && isWebSocketUpgrade(request)) refuseAmbiguous(MISPLACED_HANDSHAKE, request, response);
          else if (route) proxy.handle(route, request, response);
          else {
            authenticateOwn({ authentication, forwarding }, request, response, () =>
              handleWithFastify(dropContentTypeWithoutBody(request), response),
            );
          }
        }),
        {
          keepAliveMillis: KEEP_ALIVE_MILLIS,
          requestMillis,
          checkMillis,
          tryHandle(request, response) {
            const route = knownHosts.isFor(request) ? routes.current.table.match(request) : undefined;
            if (!route) return false;
            const [requestId, trace] = [requestIdOf(request), traceOf(request.headers.traceparent)];
            proxy.forward(route, { request, body: undefined, response, requestId, trace });
            return true;
          },
        },
      ),
  });

  knownHosts = knownHostsOf(app);
  const report = createAccessLog(app, gatewayLogger);
  const siteCheck = createSiteCheck(() => knownHosts.publicOrigin);
  const shared = {
    logger: gatewayLogger,
    discovery,
    balancer,
    services,
    report,
    forwarding,
    siteCheck,
    authentication,
  };
  proxy = createReverseProxy({ ...shared, upstream, concurrencyLimit });
  const webSockets = createWebSocketProxy(proxy.dependencies, tunnel);
  app.server.on(
    'upgrade',
    guarded(socketOf, (request: IncomingMessage, client: Duplex, head: Buffer) => {
      const route = match(request);
      if (route && client instanceof Socket) webSockets.upgrade(route, request, client, head);
      else client.destroy();
    }),
  );
  onDraining(app, () => proxy.drain());
  app.addHook('preClose', async () => {
    proxy.disconnectClients();
    webSockets.disconnectClients();
  });
  app.addHook('onClose', async () => {
    await Promise.all([proxy.close(), authentication.close()]);
  });

  addOpenApiDocument(app, { services: servicesWithDocument, discovery, balancer, logger: gatewayLogger });
  addParkedEvents(app, { routes, discovery, balancer, logger: gatewayLogger });
  addRoutesAdmin(app, { file: routesFile, routes, authentication, forwarding });
  addSignIn(app, authentication);
  await addDocs(app);
  // Redirects until a web application exists.
  app.get('/', (_request, reply) => reply.redirect('/docs'));
  return app;
}
