/** The gateway, built out of what it is passed. No port is opened here. */
import { createServer } from 'node:http';
import type { Balancer, Discovery } from '@daybook/discovery';
import { type App, createServiceApp, isHostMissing, type Logger } from '@daybook/service';
import { addDocs } from './docs.ts';
import { addOpenApiDocument } from './openapi.ts';
import { createReporter } from './outcomes.ts';
import { addParkedEvents } from './parked-events.ts';
import { createReverseProxy, type ReverseProxy } from './proxy.ts';
import { createRouteTable } from './route-table.ts';
import type { Route } from './routes.ts';
import type { UpstreamOptions } from './upstreams.ts';

const NAME = 'gateway-service';
/** A whole request has to be here within this. */
const REQUEST_TIMEOUT_MILLIS = 30_000;
const TIMEOUT_CHECK_MILLIS = 5_000;
/** Fastify's own, which it does not set on a server that it did not make; longer than load balancers keep theirs. */
const KEEP_ALIVE_MILLIS = 72_000;

export interface GatewayOptions {
  logger: Logger;
  discovery: Discovery;
  balancer: Balancer;
  routes: readonly Route[];
  upstream?: UpstreamOptions;
}

/** Requests that a route matches go to the proxy before Fastify sees them; everything else is Fastify's. */
export async function buildApp({ logger, discovery, balancer, routes, upstream }: GatewayOptions): Promise<App> {
  const table = createRouteTable(routes);
  const services = [...new Set(routes.map(({ service }) => service))];
  const named = logger.child({ service: NAME });
  let proxy: ReverseProxy;

  const app = await createServiceApp({
    name: NAME,
    logger,
    openApi: false,
    serverFactory: (handleWithFastify) =>
      createServer(
        {
          requestTimeout: REQUEST_TIMEOUT_MILLIS,
          connectionsCheckingInterval: TIMEOUT_CHECK_MILLIS,
          keepAliveTimeout: KEEP_ALIVE_MILLIS,
          requireHostHeader: false,
        },
        (request, response) => {
          // Fastify's part refuses a request without the Host that it needs.
          const route = isHostMissing(request) ? undefined : table.match(request);
          if (route) proxy.handle(route, request, response);
          else handleWithFastify(request, response);
        },
      ),
  });

  const report = createReporter(app, named);
  proxy = createReverseProxy({ logger: named, discovery, balancer, services, report, upstream });
  app.addHook('preClose', async () => proxy.sendClientsAway());
  app.addHook('onClose', () => proxy.close());

  addOpenApiDocument(app, { services, discovery, balancer, logger: named });
  addParkedEvents(app, { routes, discovery, balancer, logger: named });
  await addDocs(app);
  // Until there is a web application.
  app.get('/', (_request, reply) => reply.redirect('/docs'));
  return app;
}
