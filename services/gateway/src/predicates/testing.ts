/** Creates requests without a socket and single routes, for tests of predicates and filters. */
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { createRateLimiter } from '../resilience/rate-limiter.ts';
import type { RouteContext } from '../routes/context.ts';
import type { PredicatePlugin } from '../routes/plugin.ts';
import type { Route } from '../routes/route.ts';

export interface RequestLike {
  method?: string;
  url?: string;
  headers?: IncomingMessage['headers'];
}

export function requestOf({ method = 'GET', url = '/a', headers = {} }: RequestLike = {}): IncomingMessage {
  const request = new IncomingMessage(new Socket());
  request.method = method;
  request.url = url;
  request.headers = headers;
  request.rawHeaders = Object.entries(headers).flatMap(([name, value]) => [name, String(value)]);
  return request;
}

export const ROUTE: Route = { id: 'a', predicates: { path: ['/a'] }, service: 'a-service' };

export const contextOf = (overrides: Partial<RouteContext> = {}): RouteContext => ({
  route: ROUTE,
  routes: [ROUTE],
  clientAddressOf: () => '192.0.2.1',
  callerOf: () => undefined,
  clock: () => Temporal.Now.instant(),
  draw: () => 0,
  limiterFor: (limit) => createRateLimiter(limit),
  ...overrides,
});

/** Returns whether a predicate with this setting matches a request. */
export const matches = (
  predicate: PredicatePlugin,
  setting: unknown,
  request: RequestLike = {},
  context: Partial<RouteContext> = {},
): boolean => predicate.compile(setting, contextOf(context))(requestOf(request));

/** Returns the faults of a setting, each as one text. */
export const faultsIn = (plugin: Pick<PredicatePlugin, 'faultsOf'>, setting: unknown): string[] =>
  plugin.faultsOf(setting).map(({ pointer, message }) => `${pointer} ${message}`.trim());
