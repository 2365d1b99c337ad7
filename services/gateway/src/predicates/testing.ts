/** For the tests of predicates and filters: requests that did not come over a socket, and routes of one. */
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { createRateLimiter } from '../rate-limiter.ts';
import type { RouteContext } from '../route-context.ts';
import type { Route } from '../routes.ts';
import type { PredicateKind } from './predicate.ts';

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

export const contextOf = (parts: Partial<RouteContext> = {}): RouteContext => ({
  route: ROUTE,
  routes: [ROUTE],
  clientAddressOf: () => '192.0.2.1',
  callerOf: () => undefined,
  clock: () => Temporal.Now.instant(),
  draw: () => 0,
  limiterFor: (limit) => createRateLimiter(limit),
  ...parts,
});

/** Whether a request is as a predicate with this setting wants it. */
export const holds = (
  kind: PredicateKind,
  setting: unknown,
  request: RequestLike = {},
  context: Partial<RouteContext> = {},
): boolean => kind.compile(setting, contextOf(context))(requestOf(request));

/** What is wrong with a setting, each fault as one text. */
export const faultsIn = (kind: Pick<PredicateKind, 'faultsOf'>, setting: unknown): string[] =>
  kind.faultsOf(setting).map(({ pointer, message }) => `${pointer} ${message}`.trim());
