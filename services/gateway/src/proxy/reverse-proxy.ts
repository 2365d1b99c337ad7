/** Forwards requests to the instances of the services. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { problems, type Refusal } from '@daybook/contracts';
import { type Balancer, createRetryBudget, type Discovery } from '@daybook/discovery';
import type { Logger } from '@daybook/service';
import { clientKey } from '../http/addresses.ts';
import { clientExchangeOf } from '../http/node-response.ts';
import { ClientLimits } from '../resilience/client-limits.ts';
import { ConcurrencyLimit, type ConcurrencyLimitOptions } from '../resilience/concurrency-limit.ts';
import { OutlierDetection, type OutlierDetectionOptions } from '../resilience/outlier-detection.ts';
import type { CompiledRoute } from '../routes/compiler.ts';
import { pathOf } from '../routes/table.ts';
import { createDiscoveryRefresh } from '../upstream/discovery-refresh.ts';
import { createUpstreams, type UpstreamOptions } from '../upstream/upstreams.ts';
import { type TunnelOptions, Tunnels } from '../websocket/tunnels.ts';
import { Upgrade, type UpgradeDependencies } from '../websocket/upgrade.ts';
import type { ExchangeReport } from './access-log.ts';
import { createSiteCheck, type SiteCheck } from './cross-site.ts';
import { DeadlineWatch } from './deadlines.ts';
import { limitReached, overloaded } from './errors.ts';
import { type ClientExchange, Exchange, type ServiceState } from './exchange.ts';
import { createForwarding, type Forwarding } from './forwarded.ts';
import { sendProblem } from './problem-response.ts';

/** Each takes some memory, whatever its outcome. */
const MAX_CONCURRENT_EXCHANGES = 4_096;
/** The retries that are always allowed in ten seconds. A killed instance leaves about this many requests behind. */
const MIN_RETRIES = 100;
const SWEEP_MILLIS = 5_000;

export interface ProxyOptions {
  logger: Pick<Logger, 'warn'>;
  discovery: Discovery;
  balancer: Balancer;
  /** Returns the services of all routes. */
  services: () => readonly string[];
  /** Called at the end of each request. */
  report: (report: ExchangeReport) => void;
  forwarding?: Forwarding | undefined;
  siteCheck?: SiteCheck | undefined;
  upstream?: UpstreamOptions | undefined;
  outlierDetection?: OutlierDetectionOptions | undefined;
  tunnel?: TunnelOptions | undefined;
  /** Per service. */
  concurrencyLimit?: ConcurrencyLimitOptions | undefined;
}

export interface ReverseProxy {
  handle(route: CompiledRoute, request: IncomingMessage, response: ServerResponse): void;
  /** Forwards a request that node:http did not read. */
  forward(route: CompiledRoute, clientExchange: ClientExchange): void;
  /** Upgrades to a WebSocket; `head` holds the bytes after the handshake. */
  upgrade(route: CompiledRoute, request: IncomingMessage, client: Socket, head: Buffer): void;
  /** From now on, closes each connection after its next response. */
  drain(): void;
  /** Does the same, and ends endless streams and tunnels now. */
  disconnectClients(): void;
  close(): Promise<void>;
}

export function createReverseProxy(options: ProxyOptions): ReverseProxy {
  const { logger, discovery, balancer, services, report, forwarding = createForwarding() } = options;
  const { siteCheck = createSiteCheck(() => undefined) } = options;
  const knownUrls = () =>
    new Set(services().flatMap((service) => discovery.instancesOf(service).map(({ url }) => url)));
  const upstreams = createUpstreams(knownUrls, discovery.dialRules, options.upstream);
  const outlierDetection = new OutlierDetection(discovery, logger, options.outlierDetection);
  const sweepTimer = setInterval(() => outlierDetection.sweep(), SWEEP_MILLIS).unref();
  const serviceStates = new Map<string, ServiceState>();
  let draining = false;
  let closing = false;
  let activeExchanges = 0;
  const dependencies: UpgradeDependencies = {
    logger,
    balancer,
    outlierDetection,
    discoveryRefresh: createDiscoveryRefresh(discovery, logger),
    forwarding,
    siteCheck,
    upstreams,
    clientLimits: new ClientLimits(),
    deadlineWatch: new DeadlineWatch(),
    report(exchange) {
      activeExchanges -= 1;
      report(exchange);
    },
    isDraining: () => draining,
    isClosing: () => closing,
    streams: new Set(),
    tunnels: new Tunnels(options.tunnel),
  };

  /** Returns the state of a service. One state exists for each service of every file of routes loaded so far. */
  function stateOf({ service }: CompiledRoute): ServiceState {
    const existing = serviceStates.get(service);
    if (existing) return existing;
    const state = {
      budget: createRetryBudget({ floor: MIN_RETRIES }),
      concurrencyLimit: new ConcurrencyLimit(options.concurrencyLimit),
    };
    serviceStates.set(service, state);
    return state;
  }

  /** Rejects a request at the lowest possible cost. */
  function shed(route: CompiledRoute, clientExchange: ClientExchange, refusal: Refusal): void {
    const { request, response, requestId, trace } = clientExchange;
    const { traceId } = trace;
    const startedAt = performance.now();
    sendProblem(response, refusal, { path: pathOf(request), requestId, traceId });
    const { method = 'GET' } = request;
    const durationMillis = performance.now() - startedAt;
    report({
      method,
      route: route.id,
      outcome: 'shed',
      status: problems[refusal.code].status,
      durationMillis,
      requestId,
      traceId,
    });
  }

  /** Returns the reason to reject another request; undefined when the request counts from now on. */
  function admissionRefusal(
    route: CompiledRoute,
    service: ServiceState,
    client: string,
    clientExchange: ClientExchange,
  ) {
    if (activeExchanges >= MAX_CONCURRENT_EXCHANGES) return overloaded(route);
    const limit = dependencies.clientLimits.tryAcquire('requests', client);
    if (limit) return limitReached(limit, route);
    // A request with a body counts once the body is buffered.
    if (clientExchange.body || service.concurrencyLimit.tryAcquire()) return undefined;
    dependencies.clientLimits.release('requests', client);
    return overloaded(route);
  }

  function forward(route: CompiledRoute, clientExchange: ClientExchange): void {
    const service = stateOf(route);
    const client = clientKey(forwarding.clientAddressOf(clientExchange.request));
    const refusal = admissionRefusal(route, service, client, clientExchange);
    if (refusal) {
      shed(route, clientExchange, refusal);
      return;
    }
    activeExchanges += 1;
    new Exchange(dependencies, service, route, client, clientExchange).begin();
  }

  return {
    handle: (route, request, response) => forward(route, clientExchangeOf(request, response)),
    forward,
    upgrade(route, request, client, head) {
      const upgrade = new Upgrade(dependencies, route, request, client, head);
      activeExchanges += 1;
      upgrade.begin();
    },
    drain() {
      draining = true;
    },
    disconnectClients() {
      draining = true;
      closing = true;
      dependencies.tunnels.closeAll();
      for (const exchange of dependencies.streams) exchange.endStream();
    },
    close() {
      clearInterval(sweepTimer);
      return upstreams.close();
    },
  };
}
