/** Which route a request takes; asked for every request, so all that can be computed before is. */
import type { IncomingMessage } from 'node:http';
import type { Route } from './routes.ts';

export interface RouteTable {
  /** The most specific route: a whole path before a path with `/**`, a long one before a short one. */
  match(request: IncomingMessage): Route | undefined;
}

const BELOW = '/**';

export function createRouteTable(routes: readonly Route[]): RouteTable {
  const exact = new Map<string, Route>();
  const below = new Map<string, Route>();
  for (const route of routes) {
    for (const pattern of route.predicates.path) {
      if (pattern.endsWith(BELOW)) below.set(pattern.slice(0, -BELOW.length), route);
      else exact.set(pattern, route);
    }
  }
  // As in Spring: `/a/**` stands for `/a`, too.
  for (const [path, route] of below) if (!exact.has(path)) exact.set(path, route);
  const depths = [...new Set([...below.keys()].map(segmentsOf))].sort((one, other) => other - one);

  return {
    match(request) {
      const path = pathOf(request);
      const found = exact.get(path);
      if (found) return found;
      for (const depth of depths) {
        const end = endOfSegments(path, depth);
        const route = end === -1 ? undefined : below.get(path.slice(0, end));
        if (route) return route;
      }
      return undefined;
    },
  };
}

/** The path that was asked for, without its query. */
export function pathOf({ url = '/' }: IncomingMessage): string {
  const end = url.indexOf('?');
  return end === -1 ? url : url.slice(0, end);
}

const segmentsOf = (path: string): number => path.split('/').length - 1;

/** Where the slash after so many segments is; -1 when the path is no longer than that. */
function endOfSegments(path: string, count: number): number {
  let end = 0;
  for (let passed = 0; passed < count; passed += 1) {
    end = path.indexOf('/', end + 1);
    if (end === -1) return -1;
  }
  return end;
}
