/** The gateway, built out of what it is passed. No port is opened here. */
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
import { addParkedEvents } from './api/parked-events.ts';
import { addRoutesAdmin } from './api/routes-admin.ts';
import { ambiguityIn, MISPLACED_HANDSHAKE, refuseAmbiguous } from './http/ambiguous-request.ts';
import { type FastPathOptions, FastPathServer } from './http/fast-path/server.ts';
import { hasBody } from './http/request-body.ts';
import { createAccessLog } from './proxy/access-log.ts';
import { createSiteCheck } from './proxy/cross-site.ts';
import type { Forwarding } from './proxy/forwarded.ts';
import { createReverseProxy, type ReverseProxy } from './proxy/reverse-proxy.ts';
import type { ConcurrencyLimitOptions } from './resilience/concurrency-limit.ts';
import type { RouteStore } from './routes/route-store.ts';
import type { TlsSettings } from './tls.ts';
import type { UpstreamOptions } from './upstream/upstreams.ts';
import { isWebSocketUpgrade } from './websocket/handshake.ts';
import type { TunnelOptions } from './websocket/tunnels.ts';

const NAME = 'gateway-service';
/** Fastify's own, which it does not set on a server that it did not make; longer than load balancers keep theirs. */
const KEEP_ALIVE_MILLIS = 72_000;

export interface ClientTimeouts {
  /** A whole request has to be here within this. */
  readonly requestMillis: number;
  /** How often to look for those that are not. */
  readonly checkMillis: number;
}

const CLIENT_TIMEOUTS: ClientTimeouts = { requestMillis: 30_000, checkMillis: 5_000 };

export interface GatewayOptions {
  logger: Logger;
  discovery: Discovery;
  balancer: Balancer;
  /** Asked for every request. */
  routes: RouteStore;
  /** Where they are read from. */
  routesFile?: string;
  forwarding?: Forwarding;
  upstream?: UpstreamOptions;
  tunnel?: TunnelOptions;
  /** Of each service. */
  concurrencyLimit?: ConcurrencyLimitOptions;
  clientTimeouts?: ClientTimeouts;
  /** Plain HTTP without it. */
  tls?: TlsSettings;
}

/** Both kinds of server know the same settings and events; only connections that are not encrypted have a fast lane. */
const openServer = (
  tls: TlsSettings | undefined,
  settings: ServerOptions,
  listener: RequestListener,
  fastPath: FastPathOptions,
) => (tls ? createTlsServer({ ...settings, ...tls }, listener) : new FastPathServer(settings, listener, fastPath));

/** Fastify waits for a body that has a type; the empty stream of a request without one never says that it ends. */
function dropContentTypeWithoutBody(request: IncomingMessage): IncomingMessage {
  if (!hasBody(request)) delete request.headers['content-type'];
  return request;
}

/** Requests that a route matches go to the proxy before Fastify sees them; everything else is Fastify's. */
export async function buildApp(options: GatewayOptions): Promise<App> {
  const { logger, discovery, balancer, routes, routesFile, forwarding, upstream, tunnel, concurrencyLimit, tls } =
    options;
  const { requestMillis, checkMillis } = options.clientTimeouts ?? CLIENT_TIMEOUTS;
  const services = () => routes.current.services;
  const gatewayLogger = logger.child({ service: NAME });
  let proxy: ReverseProxy;
  let knownHosts: KnownHosts;
  // Fastify's part refuses a request without the Host that it needs, and one for another host.
  const match = (request: IncomingMessage) =>
    isHostMissing(request) || !knownHosts.isFor(request) ? undefined : routes.current.table.match(request);

  /** Node gives up its part in the connection with an upgrade: no response may be due there, and no body. */
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
          // Most requests have no body, and a stream for none was a seventh of what one costs.
          optimizeEmptyRequests: true,
          // Whatever else asks to be upgraded is handled as if it did not.
          shouldUpgradeCallback: (request) => shouldUpgrade(request) === true,
        },
        guarded(socketOf, (request: IncomingMessage, response: ServerResponse) => {
          const ambiguity = ambiguityIn(request);
          const route = ambiguity ? undefined : match(request);
          if (ambiguity) refuseAmbiguous(ambiguity, request, response);
          else if (route && isWebSocketUpgrade(request)) refuseAmbiguous(MISPLACED_HANDSHAKE, request, response);
          else if (route) proxy.handle(route, request, response);
          else handleWithFastify(dropContentTypeWithoutBody(request), response);
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
  const shared = { logger: gatewayLogger, discovery, balancer, services, report, forwarding, siteCheck };
  proxy = createReverseProxy({ ...shared, upstream, tunnel, concurrencyLimit });
  app.server.on(
    'upgrade',
    guarded(socketOf, (request: IncomingMessage, client: Duplex, head: Buffer) => {
      const route = match(request);
      if (route && client instanceof Socket) proxy.upgrade(route, request, client, head);
      else client.destroy();
    }),
  );
  onDraining(app, () => proxy.drain());
  app.addHook('preClose', async () => proxy.disconnectClients());
  app.addHook('onClose', () => proxy.close());

  addOpenApiDocument(app, { services, discovery, balancer, logger: gatewayLogger });
  addParkedEvents(app, { routes, discovery, balancer, logger: gatewayLogger });
  addRoutesAdmin(app, routesFile, routes);
  await addDocs(app);
  // Until there is a web application.
  app.get('/', (_request, reply) => reply.redirect('/docs'));
  return app;
}
