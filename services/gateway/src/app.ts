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
  onLeaving,
  requestIdOf,
  responseDue,
  socketOf,
  traceOf,
} from '@daybook/service';
import { createSiteCheck } from './cross-site.ts';
import { addDocs } from './docs.ts';
import { type LaneOptions, LaneServer } from './lane/lane-server.ts';
import type { LiveRoutes } from './live-routes.ts';
import type { LoadLimitOptions } from './load-limit.ts';
import { addOpenApiDocument } from './openapi.ts';
import { createReporter } from './outcomes.ts';
import { addParkedEvents } from './parked-events.ts';
import { createReverseProxy, type ReverseProxy } from './proxy.ts';
import { hasBody } from './request-body.ts';
import { addRoutesAdmin } from './routes-admin.ts';
import type { TlsSettings } from './tls.ts';
import type { Forwarding } from './trusted-proxies.ts';
import type { TunnelOptions } from './tunnels.ts';
import { HANDSHAKE_OUT_OF_TURN, refuseUnclear, unclearIn } from './unclear-requests.ts';
import type { UpstreamOptions } from './upstreams.ts';
import { asksForWebSocket } from './web-socket.ts';

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
  routes: LiveRoutes;
  /** Where they are read from. */
  routesFile?: string;
  forwarding?: Forwarding;
  upstream?: UpstreamOptions;
  tunnel?: TunnelOptions;
  /** Of each service. */
  load?: LoadLimitOptions;
  clientTimeouts?: ClientTimeouts;
  /** Plain HTTP without it. */
  tls?: TlsSettings;
}

/** Both kinds of server know the same settings and events; only connections that are not encrypted have a fast lane. */
const openServer = (
  tls: TlsSettings | undefined,
  settings: ServerOptions,
  listener: RequestListener,
  lane: LaneOptions,
) => (tls ? createTlsServer({ ...settings, ...tls }, listener) : new LaneServer(settings, listener, lane));

/** Fastify waits for a body that has a type; the empty stream of a request without one never says that it ends. */
function withoutTypeOfNothing(request: IncomingMessage): IncomingMessage {
  if (!hasBody(request)) delete request.headers['content-type'];
  return request;
}

/** Requests that a route matches go to the proxy before Fastify sees them; everything else is Fastify's. */
export async function buildApp(options: GatewayOptions): Promise<App> {
  const { logger, discovery, balancer, routes, routesFile, forwarding, upstream, tunnel, load, tls } = options;
  const { requestMillis, checkMillis } = options.clientTimeouts ?? CLIENT_TIMEOUTS;
  const services = () => routes.current.services;
  const named = logger.child({ service: NAME });
  let proxy: ReverseProxy;
  let known: KnownHosts;
  // Fastify's part refuses a request without the Host that it needs, and one for another host.
  const match = (request: IncomingMessage) =>
    isHostMissing(request) || !known.isFor(request) ? undefined : routes.current.table.match(request);

  /** Node gives up its part in the connection with an upgrade: no response may be due there, and no body. */
  const shouldUpgrade = guarded(
    socketOf,
    (request: IncomingMessage) =>
      asksForWebSocket(request) &&
      !hasBody(request) &&
      !responseDue(request.socket) &&
      !unclearIn(request) &&
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
          const unclear = unclearIn(request);
          const route = unclear ? undefined : match(request);
          if (unclear) refuseUnclear(unclear, request, response);
          else if (route && asksForWebSocket(request)) refuseUnclear(HANDSHAKE_OUT_OF_TURN, request, response);
          else if (route) proxy.handle(route, request, response);
          else handleWithFastify(withoutTypeOfNothing(request), response);
        }),
        {
          keepAliveMillis: KEEP_ALIVE_MILLIS,
          requestMillis,
          checkMillis,
          take(request, answer) {
            const route = known.isFor(request) ? routes.current.table.match(request) : undefined;
            if (!route) return false;
            const [requestId, trace] = [requestIdOf(request), traceOf(request.headers.traceparent)];
            proxy.pass(route, { request, body: undefined, answer, requestId, trace });
            return true;
          },
        },
      ),
  });

  known = knownHostsOf(app);
  const report = createReporter(app, named);
  const sites = createSiteCheck(() => known.publicOrigin);
  const proxied = { logger: named, discovery, balancer, services, report, forwarding, sites };
  proxy = createReverseProxy({ ...proxied, upstream, tunnel, load });
  app.server.on(
    'upgrade',
    guarded(socketOf, (request: IncomingMessage, client: Duplex, head: Buffer) => {
      const route = match(request);
      if (route && client instanceof Socket) proxy.upgrade(route, request, client, head);
      else client.destroy();
    }),
  );
  onLeaving(app, () => proxy.leave());
  app.addHook('preClose', async () => proxy.sendClientsAway());
  app.addHook('onClose', () => proxy.close());

  addOpenApiDocument(app, { services, discovery, balancer, logger: named });
  addParkedEvents(app, { routes, discovery, balancer, logger: named });
  addRoutesAdmin(app, routesFile, routes);
  await addDocs(app);
  // Until there is a web application.
  app.get('/', (_request, reply) => reply.redirect('/docs'));
  return app;
}
