/** For the tests of filters: one filter, and what it does to a request or an answer. */
import type { OutgoingHttpHeader } from 'node:http';
import { contextOf, type RequestLike, requestOf } from '../predicates/testing.ts';
import type { RouteContext } from '../routes/context.ts';
import type { RequestHead } from './chain.ts';
import type { FilterPlugin } from './filter.ts';

export { contextOf, faultsIn, type RequestLike, ROUTE, requestOf } from '../predicates/testing.ts';

/** What a filter lets a service be asked; `url` is what the client asked. */
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

/** What a filter makes of an answer. */
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

/** What a filter answers by itself, and what it puts beside the answer. */
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
