/** Passes requests on to the instances of the services. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { problems, type Refusal } from '@daybook/contracts';
import { type Balancer, createRetryBudget, type Discovery } from '@daybook/discovery';
import type { Logger } from '@daybook/service';
import { clientKey } from './addresses.ts';
import { ClientLimits } from './client-limits.ts';
import type { CompiledRoute } from './compile-routes.ts';
import { createSiteCheck, type SiteCheck } from './cross-site.ts';
import { DeadlineWatch } from './deadlines.ts';
import { Ejections, type EjectionsOptions } from './ejections.ts';
import { type Asked, Exchange, type ServiceParts } from './exchange.ts';
import { limitReached, overloaded } from './failures.ts';
import { LoadLimit, type LoadLimitOptions } from './load-limit.ts';
import { askedBy } from './node-answer.ts';
import type { ExchangeReport } from './outcomes.ts';
import { createRefresher } from './refresher.ts';
import { pathOf } from './route-table.ts';
import { createForwarding, type Forwarding } from './trusted-proxies.ts';
import { type TunnelOptions, Tunnels } from './tunnels.ts';
import { Upgrade, type UpgradeParts } from './upgrade.ts';
import { createUpstreams, type UpstreamOptions } from './upstreams.ts';
import { writeProblem } from './write-problem.ts';

/** Each takes some memory, whatever becomes of it. */
const MOST_AT_ONCE = 4_096;
/** As many retries in ten seconds as an instance that is killed leaves requests behind. */
const FEWEST_RETRIES = 100;
const SWEEP_MILLIS = 5_000;

export interface ProxyOptions {
  logger: Pick<Logger, 'warn'>;
  discovery: Discovery;
  balancer: Balancer;
  /** All that routes lead to. */
  services: () => readonly string[];
  /** Called at the end of each request. */
  report: (report: ExchangeReport) => void;
  forwarding?: Forwarding | undefined;
  sites?: SiteCheck | undefined;
  upstream?: UpstreamOptions | undefined;
  ejection?: EjectionsOptions | undefined;
  tunnel?: TunnelOptions | undefined;
  /** Of each service. */
  load?: LoadLimitOptions | undefined;
}

export interface ReverseProxy {
  handle(route: CompiledRoute, request: IncomingMessage, response: ServerResponse): void;
  /** The same of a request that node:http did not read. */
  pass(route: CompiledRoute, asked: Asked): void;
  /** For a WebSocket; `head` is what came after its handshake. */
  upgrade(route: CompiledRoute, request: IncomingMessage, client: Socket, head: Buffer): void;
  /** From now on each connection is closed after the next answer on it. */
  leave(): void;
  /** The same, and what has no end of its own ends now. */
  sendClientsAway(): void;
  close(): Promise<void>;
}

export function createReverseProxy(options: ProxyOptions): ReverseProxy {
  const { logger, discovery, balancer, services, report, forwarding = createForwarding() } = options;
  const { sites = createSiteCheck(() => undefined) } = options;
  const knownUrls = () =>
    new Set(services().flatMap((service) => discovery.instancesOf(service).map(({ url }) => url)));
  const upstreams = createUpstreams(knownUrls, discovery.dialRules, options.upstream);
  const ejections = new Ejections(discovery, logger, options.ejection);
  const sweeping = setInterval(() => ejections.sweep(), SWEEP_MILLIS).unref();
  const shared = new Map<string, ServiceParts>();
  let leaving = false;
  let closing = false;
  let atOnce = 0;
  const parts: UpgradeParts = {
    logger,
    balancer,
    ejections,
    refresher: createRefresher(discovery, logger),
    forwarding,
    sites,
    upstreams,
    clients: new ClientLimits(),
    deadlines: new DeadlineWatch(),
    report(exchange) {
      atOnce -= 1;
      report(exchange);
    },
    isLeaving: () => leaving,
    isClosing: () => closing,
    streams: new Set(),
    tunnels: new Tunnels(options.tunnel),
  };

  /** There are as many as services in the routes, of all files that were loaded. */
  function partsOf({ service }: CompiledRoute): ServiceParts {
    const existing = shared.get(service);
    if (existing) return existing;
    const made = { budget: createRetryBudget({ floor: FEWEST_RETRIES }), load: new LoadLimit(options.load) };
    shared.set(service, made);
    return made;
  }

  /** Cheaper than anything else that could be done with a request. */
  function shed(route: CompiledRoute, asked: Asked, refusal: Refusal): void {
    const { request, answer, requestId, trace } = asked;
    const { traceId } = trace;
    const startedAt = performance.now();
    writeProblem(answer, refusal, { path: pathOf(request), requestId, traceId });
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

  /** What is wrong with one request more; undefined when it counts from now on. */
  function refusalOfOneMore(route: CompiledRoute, service: ServiceParts, client: string, asked: Asked) {
    if (atOnce >= MOST_AT_ONCE) return overloaded(route);
    const limit = parts.clients.tryAcquire('requests', client);
    if (limit) return limitReached(limit, route);
    // With a body, it counts as soon as that is there.
    if (asked.body || service.load.tryEnter()) return undefined;
    parts.clients.release('requests', client);
    return overloaded(route);
  }

  function pass(route: CompiledRoute, asked: Asked): void {
    const service = partsOf(route);
    const client = clientKey(forwarding.clientAddressOf(asked.request));
    const refusal = refusalOfOneMore(route, service, client, asked);
    if (refusal) {
      shed(route, asked, refusal);
      return;
    }
    atOnce += 1;
    new Exchange(parts, service, route, client, asked).begin();
  }

  return {
    handle: (route, request, response) => pass(route, askedBy(request, response)),
    pass,
    upgrade(route, request, client, head) {
      const upgrade = new Upgrade(parts, route, request, client, head);
      atOnce += 1;
      upgrade.begin();
    },
    leave() {
      leaving = true;
    },
    sendClientsAway() {
      leaving = true;
      closing = true;
      parts.tunnels.closeAll();
      for (const exchange of parts.streams) exchange.endStream();
    },
    close() {
      clearInterval(sweeping);
      return upstreams.close();
    },
  };
}
