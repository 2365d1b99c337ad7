/** How long a request may take: in its parts, and as a whole. */
import type { Route } from './definition.ts';

export interface RouteTimeouts {
  /** For a connection to an instance. */
  readonly connectMillis: number;
  /** From the request, or what came of its body last, until the answer begins: over all tries. */
  readonly headersMillis: number;
  /** The longest pause in a response that has begun. */
  readonly bodyMillis: number;
  /** For everything; an event stream, once it has begun, has no end. */
  readonly totalMillis: number;
}

export const DEFAULT_TIMEOUTS: RouteTimeouts = {
  connectMillis: 1_000,
  headersMillis: 10_000,
  bodyMillis: 10_000,
  totalMillis: 60_000,
};

/** Without anything from either side: a heartbeat every half minute keeps a stream or a tunnel. */
export const IDLE_STREAM_MILLIS = 120_000;

const cache = new WeakMap<Route, RouteTimeouts>();

/** What the route says; `timeoutMillis` where it says nothing of a part. */
export function timeoutsOf(route: Route): RouteTimeouts {
  const cached = cache.get(route);
  if (cached) return cached;
  const { timeoutMillis, timeouts } = route;
  const { headersMillis, bodyMillis, totalMillis } = DEFAULT_TIMEOUTS;
  const found: RouteTimeouts = {
    ...DEFAULT_TIMEOUTS,
    headersMillis: timeoutMillis ?? headersMillis,
    bodyMillis: timeoutMillis ?? bodyMillis,
    totalMillis: Math.max(totalMillis, timeouts?.headersMillis ?? timeoutMillis ?? 0),
    ...timeouts,
  };
  cache.set(route, found);
  return found;
}
