/** Finds the route of a request. Runs for every request, so all possible work is done at loading. */
import { type ClientRequest, pathOf } from '../http/client-exchange.ts';
import type { CompiledRoute } from './compiler.ts';
import { compileTemplate, isTemplate, type PathMatch, SUBTREE } from './path-template.ts';

export interface RouteTable {
  /**
   * Returns the route with the most specific path. A whole path precedes one with `{name}`, which precedes a path with
   * `/**`. Of the latter two kinds, a longer path precedes a shorter one. Of several routes with one path, the first in
   * the file wins whose other predicates match.
   */
  match(request: ClientRequest): CompiledRoute | undefined;
  /** Every path with its routes, in the order of matching. */
  readonly order: readonly { readonly path: string; readonly route: CompiledRoute }[];
}

/** The routes of one path. Not always an array, because most paths have one route. */
interface Candidate {
  readonly route: CompiledRoute;
  next: Candidate | undefined;
}

interface Template {
  readonly pattern: string;
  readonly match: (path: string) => PathMatch | undefined;
  readonly candidate: Candidate;
}

export function createRouteTable(routes: readonly CompiledRoute[]): RouteTable {
  const byPattern = new Map<string, Candidate>();
  for (const route of routes) for (const pattern of route.predicates.path) append(byPattern, pattern, route);

  const exact = new Map<string, Candidate>();
  const subtrees = new Map<string, Candidate>();
  const templates: Template[] = [];
  for (const [pattern, candidate] of byPattern) {
    if (pattern.endsWith(SUBTREE)) subtrees.set(pattern.slice(0, -SUBTREE.length), candidate);
    else if (isTemplate(pattern)) templates.push({ pattern, match: compileTemplate(pattern), candidate });
    else for (const route of routesOf(candidate)) append(exact, pattern, route);
  }
  templates.sort((one, other) => bySpecificity(one.pattern, other.pattern));
  // As in Spring, `/a/**` also matches `/a`.
  for (const [path, candidate] of subtrees) for (const route of routesOf(candidate)) append(exact, path, route);
  const depths = [...new Set([...subtrees.keys()].map(segmentsOf))].sort((one, other) => other - one);

  return {
    match(request) {
      const path = pathOf(request);
      const found = firstMatch(exact.get(path), request);
      if (found) return found;
      for (const { match, candidate } of templates) {
        const route = match(path) && firstMatch(candidate, request);
        if (route) return route;
      }
      for (const depth of depths) {
        const end = endOfSegments(path, depth);
        const route = end === -1 ? undefined : firstMatch(subtrees.get(path.slice(0, end)), request);
        if (route) return route;
      }
      return undefined;
    },
    order: [...byPattern]
      .sort(([one], [other]) => bySpecificity(one, other))
      .flatMap(([path, candidate]) => routesOf(candidate).map((route) => ({ path, route }))),
  };
}

function append(candidates: Map<string, Candidate>, path: string, route: CompiledRoute): void {
  const last = { route, next: undefined };
  let candidate = candidates.get(path);
  if (!candidate) {
    candidates.set(path, last);
    return;
  }
  while (candidate.next) candidate = candidate.next;
  candidate.next = last;
}

function routesOf(first: Candidate): CompiledRoute[] {
  const routes: CompiledRoute[] = [];
  for (let candidate: Candidate | undefined = first; candidate; candidate = candidate.next)
    routes.push(candidate.route);
  return routes;
}

function firstMatch(candidate: Candidate | undefined, request: ClientRequest): CompiledRoute | undefined {
  for (let one = candidate; one; one = one.next) {
    const { route } = one;
    if (route.matches === undefined || route.matches(request)) return route;
  }
  return undefined;
}

const rankOf = (pattern: string): number => (pattern.endsWith(SUBTREE) ? 2 : isTemplate(pattern) ? 1 : 0);
/** Returns a rank: more segments rank higher. Of two patterns with equally many, the one with fewer `{name}`s does. */
const specificityOf = (pattern: string): number => segmentsOf(pattern) * 1_000 - pattern.split('{').length;

const bySpecificity = (one: string, other: string): number =>
  rankOf(one) - rankOf(other) || specificityOf(other) - specificityOf(one) || (one < other ? -1 : 1);

const segmentsOf = (path: string): number => path.split('/').length - 1;

/** Returns the position of the slash after `count` segments; -1 when the path has no more segments. */
function endOfSegments(path: string, count: number): number {
  let end = 0;
  for (let passed = 0; passed < count; passed += 1) {
    end = path.indexOf('/', end + 1);
    if (end === -1) return -1;
  }
  return end;
}
