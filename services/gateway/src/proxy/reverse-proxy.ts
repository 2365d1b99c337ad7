/** Forwards requests to the instances of the services. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { problems, type Refusal } from '@daybook/contracts';
import { type Balancer, createRetryBudget, type Discovery } from '@daybook/discovery';
import type { Logger } from '@daybook/service';
import type { GatewayAuthentication } from '../authentication/authentication.ts';
import { clientKey } from '../http/addresses.ts';
import type { ClientExchange } from '../http/client-exchange.ts';
import { createForwarding, type Forwarding } from '../http/forwarded.ts';
import { clientExchangeOf } from '../http/node-response.ts';
import { ClientLimits } from '../resilience/client-limits.ts';
import { ConcurrencyLimit, type ConcurrencyLimitOptions } from '../resilience/concurrency-limit.ts';
import { OutlierDetection, type OutlierDetectionOptions } from '../resilience/outlier-detection.ts';
import type { CompiledRoute } from '../routes/compiler.ts';
import { createDiscoveryRefresh } from '../upstream/discovery-refresh.ts';
import { createUpstreams, type UpstreamOptions } from '../upstream/upstreams.ts';
import type { ExchangeReport } from './access-log.ts';
import { createSiteCheck, type SiteCheck } from './cross-site.ts';
import { DeadlineWatch } from './deadlines.ts';
import { limitReached, overloaded } from './errors.ts';
import { Exchange } from './exchange.ts';
import type { ExchangeDependencies, ServiceState } from './exchange-dependencies.ts';
import { sendLocalResponse } from './local-response.ts';

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
  authentication: Pick<GatewayAuthentication, 'authenticate'>;
  forwarding?: Forwarding | undefined;
  siteCheck?: SiteCheck | undefined;
  upstream?: UpstreamOptions | undefined;
  outlierDetection?: OutlierDetectionOptions | undefined;
  /** Per service. */
  concurrencyLimit?: ConcurrencyLimitOptions | undefined;
}

export interface ReverseProxy {
  /** For exchanges that the proxy does not start itself: WebSockets. They count like its own. */
  readonly dependencies: ExchangeDependencies;
  handle(route: CompiledRoute, request: IncomingMessage, response: ServerResponse): void;
  /** Forwards a request that node:http did not read. */
  forward(route: CompiledRoute, clientExchange: ClientExchange): void;
  /** From now on, closes each connection after its next response. */
  drain(): void;
  /** Does the same, and ends endless streams now. */
  disconnectClients(): void;
  close(): Promise<void>;
}

export function createReverseProxy(options: ProxyOptions): ReverseProxy {
  const { logger, discovery, balancer, services, report, authentication, forwarding = createForwarding() } = options;
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
  const dependencies: ExchangeDependencies = {
    logger,
    balancer,
    outlierDetection,
    discoveryRefresh: createDiscoveryRefresh(discovery, logger),
    forwarding,
    siteCheck,
    authentication,
    upstreams,
    clientLimits: new ClientLimits(),
    deadlineWatch: new DeadlineWatch(),
    countActive() {
      activeExchanges += 1;
    },
    report(exchange) {
      activeExchanges -= 1;
      report(exchange);
    },
    isDraining: () => draining,
    isClosing: () => closing,
    streams: new Set(),
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
    const startedAt = performance.now();
    sendLocalResponse(response, refusal, clientExchange);
    report({
      method: request.method ?? 'GET',
      route: route.id,
      outcome: 'shed',
      status: problems[refusal.code].status,
      durationMillis: performance.now() - startedAt,
      requestId,
      traceId: trace.traceId,
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
    dependencies.countActive();
    new Exchange(dependencies, service, route, client, clientExchange).begin();
  }

  return {
    dependencies,
    handle: (route, request, response) => forward(route, clientExchangeOf(request, response)),
    forward,
    drain() {
      draining = true;
    },
    disconnectClients() {
      draining = true;
      closing = true;
      for (const exchange of dependencies.streams) exchange.endStream();
    },
    close() {
      clearInterval(sweepTimer);
      return upstreams.close();
    },
  };
}
