/** What predicates and filters are compiled with. */
import type { Caller } from '@daybook/contracts';
import type { Clock } from '@daybook/service';
import type { ClientRequest } from '../http/client-exchange.ts';
import type { RateLimit, RateLimiter } from '../resilience/rate-limiter.ts';
import type { Route } from './definition.ts';

export interface RouteContext {
  readonly route: Route;
  /** All of the file. */
  readonly routes: readonly Route[];
  clientAddressOf(request: ClientRequest): string;
  /** Undefined for somebody who is not signed in. */
  callerOf(request: ClientRequest): Caller | undefined;
  readonly clock: Clock;
  /** At least 0, below 1: the same for all who ask about the same request and group. */
  draw(group: string, request: ClientRequest): number;
  /** The limiter that this route had before the file was loaded again, as long as its limit is the same. */
  limiterFor(limit: RateLimit): RateLimiter;
}
