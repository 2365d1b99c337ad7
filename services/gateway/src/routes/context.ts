/** Defines the context in which predicates and filters are compiled. */
import type { VerifiedCaller } from '@daybook/contracts';
import type { Clock } from '@daybook/service';
import type { ClientRequest } from '../http/client-exchange.ts';
import type { RateLimit, RateLimiter } from '../resilience/rate-limiter.ts';
import type { Route } from './route.ts';

export interface RouteContext {
  readonly route: Route;
  /** All routes of the file. */
  readonly routes: readonly Route[];
  clientAddressOf(request: ClientRequest): string;
  /** Returns undefined for a caller that is not signed in. */
  callerOf(request: ClientRequest): VerifiedCaller | undefined;
  readonly clock: Clock;
  /** Returns a number in [0, 1). It is the same for every call with the same request and group. */
  draw(group: string, request: ClientRequest): number;
  /** Returns the route's existing limiter if its limit has not changed, so that a reload keeps the counts. */
  limiterFor(limit: RateLimit): RateLimiter;
}
