/** Which route a request takes; asked for every request, so all that can be computed before is. */
import type { ClientRequest } from '../http/client-exchange.ts';
import type { CompiledRoute } from './compiler.ts';
import { compileTemplate, isTemplate, type PathMatch, SUBTREE } from './path-template.ts';

export interface RouteTable {
  /**
   * By the most specific path: a whole path before one with `{name}`, that before a path with `/**`, and of the latter two
   * a long one before a short one. Of several routes with one path, the first in the file whose other predicates hold.
   */
  match(request: ClientRequest): CompiledRoute | undefined;
  /** Every path with its routes, in the order in which they are tried. */
  readonly order: readonly { readonly path: string; readonly route: CompiledRoute }[];
}

/** Routes with one path: most paths have one, so this is no array. */
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
  // As in Spring: `/a/**` stands for `/a`, too.
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
/** Long before short; of two as long, the one that names more of it. */
const specificityOf = (pattern: string): number => segmentsOf(pattern) * 1_000 - pattern.split('{').length;

const bySpecificity = (one: string, other: string): number =>
  rankOf(one) - rankOf(other) || specificityOf(other) - specificityOf(one) || (one < other ? -1 : 1);

/** The path that was asked for, without its query. */
export function pathOf({ url = '/' }: ClientRequest): string {
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
