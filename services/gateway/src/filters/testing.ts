/** For the tests of filters: one filter, and what it does to a request or an answer. */
import type { OutgoingHttpHeader } from 'node:http';
import type { RequestHead } from '../passage.ts';
import { contextOf, type RequestLike, requestOf } from '../predicates/testing.ts';
import type { RouteContext } from '../route-context.ts';
import type { FilterKind } from './filter.ts';

export { contextOf, faultsIn, type RequestLike, ROUTE, requestOf } from '../predicates/testing.ts';

/** What a filter lets a service be asked; `url` is what the client asked. */
export function sent(
  kind: FilterKind,
  setting: unknown,
  url = '/a',
  headers: string[] = [],
  request: RequestLike = {},
) {
  const [path = '', query] = url.split('?');
  const head: RequestHead = { path, query: query === undefined ? '' : `?${query}`, headers: [...headers] };
  kind.compile(setting, contextOf()).onRequest?.(head, requestOf(request));
  return { url: head.path + head.query, headers: head.headers };
}

interface AnswerLike {
  status?: number;
  headers?: OutgoingHttpHeader[];
  ofService?: boolean;
}

/** What a filter makes of an answer. */
export function answered(
  kind: FilterKind,
  setting: unknown,
  { status = 200, headers = [], ofService = true }: AnswerLike = {},
  request: RequestLike = {},
) {
  const head = { status, headers: [...headers], ofService };
  kind.compile(setting, contextOf()).onAnswer?.(head, requestOf(request));
  return { status: head.status, headers: head.headers };
}

/** What a filter answers by itself, and what it puts beside the answer. */
export function admitted(
  kind: FilterKind,
  setting: unknown,
  request: RequestLike = {},
  context: Partial<RouteContext> = {},
) {
  const later: string[] = [];
  const answer = kind.compile(setting, contextOf(context)).admit?.(requestOf(request), later);
  return { answer, later };
}
