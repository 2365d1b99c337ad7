/** Passes requests on to the instances of the services. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Balancer, Discovery } from '@daybook/discovery';
import type { Logger } from '@daybook/service';
import { Exchange, type ExchangeParts } from './exchange.ts';
import type { ExchangeReport } from './outcomes.ts';
import { createRefresher } from './refresher.ts';
import type { Route } from './routes.ts';
import { createUpstreams, type UpstreamOptions } from './upstreams.ts';

export interface ProxyOptions {
  logger: Pick<Logger, 'warn'>;
  discovery: Discovery;
  balancer: Balancer;
  /** All that routes lead to. */
  services: readonly string[];
  /** Called at the end of each request. */
  report: (report: ExchangeReport) => void;
  upstream?: UpstreamOptions | undefined;
}

export interface ReverseProxy {
  handle(route: Route, request: IncomingMessage, response: ServerResponse): void;
  /** From now on each connection is closed after the answer that is under way on it. */
  sendClientsAway(): void;
  close(): Promise<void>;
}

export function createReverseProxy({
  logger,
  discovery,
  balancer,
  services,
  report,
  upstream,
}: ProxyOptions): ReverseProxy {
  const upstreams = createUpstreams(
    () => new Set(services.flatMap((service) => discovery.instancesOf(service).map(({ url }) => url))),
    upstream,
  );
  let closing = false;
  const parts: ExchangeParts = {
    logger,
    balancer,
    refresher: createRefresher(discovery, logger),
    upstreams,
    report,
    isClosing: () => closing,
  };
  return {
    handle: (route, request, response) => new Exchange(parts, route, request, response).begin(),
    sendClientsAway() {
      closing = true;
    },
    close: () => upstreams.close(),
  };
}
