/** Defines how long a request and its phases may take. */
import type { Route } from './route.ts';

export interface RouteTimeouts {
  /** For a connection to an instance. */
  readonly connectMillis: number;
  /** From the request, or the last part of its body, until the response begins, over all attempts. */
  readonly headersMillis: number;
  /** The longest pause in a response that has begun. */
  readonly bodyMillis: number;
  /** For the whole request. An event stream that has begun has no end. */
  readonly totalMillis: number;
}

export const DEFAULT_TIMEOUTS: RouteTimeouts = {
  connectMillis: 1_000,
  headersMillis: 10_000,
  bodyMillis: 10_000,
  totalMillis: 60_000,
};

/** The idle limit of a stream or a tunnel. A heartbeat every half minute keeps it open. */
export const IDLE_STREAM_MILLIS = 120_000;

const cache = new WeakMap<Route, RouteTimeouts>();

/** Returns the timeouts of a route. `timeoutMillis` applies where the route does not set a phase. */
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
