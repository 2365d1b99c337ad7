/** Runs one filter on a request or a response, for tests. */
import type { OutgoingHttpHeader } from 'node:http';
import { contextOf, type RequestLike, requestOf } from '../predicates/testing.ts';
import type { RouteContext } from '../routes/context.ts';
import type { RequestHead } from '../routes/filter.ts';
import type { FilterPlugin } from '../routes/plugin.ts';

export { contextOf, faultsIn, type RequestLike, ROUTE, requestOf } from '../predicates/testing.ts';

/** Returns what a filter sends to the service; `url` is the client's. */
export function runOnUpstreamRequest(
  filter: FilterPlugin,
  setting: unknown,
  url = '/a',
  headers: string[] = [],
  request: RequestLike = {},
) {
  const [path = '', query] = url.split('?');
  const head: RequestHead = { path, query: query === undefined ? '' : `?${query}`, headers: [...headers] };
  filter.compile(setting, contextOf()).onUpstreamRequest?.(head, requestOf(request));
  return { url: head.path + head.query, headers: head.headers };
}

interface ResponseLike {
  status?: number;
  headers?: OutgoingHttpHeader[];
  isFromService?: boolean;
}

/** Returns the response that a filter produces. */
export function runOnResponse(
  filter: FilterPlugin,
  setting: unknown,
  { status = 200, headers = [], isFromService = true }: ResponseLike = {},
  request: RequestLike = {},
) {
  const head = { status, headers: [...headers], isFromService };
  filter.compile(setting, contextOf()).onResponse?.(head, requestOf(request));
  return { status: head.status, headers: head.headers };
}

/** Returns a filter's own response, and the headers that it adds to the response. */
export function runOnRequest(
  filter: FilterPlugin,
  setting: unknown,
  request: RequestLike = {},
  context: Partial<RouteContext> = {},
) {
  const responseHeaders: string[] = [];
  const response = filter.compile(setting, contextOf(context)).onRequest?.(requestOf(request), responseHeaders);
  return { response, responseHeaders };
}
