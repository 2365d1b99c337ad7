/** From routes as they stand in the file to routes that requests can take: everything that can be computed before is. */
import type { Caller } from '@daybook/contracts';
import { type Clock, systemClock } from '@daybook/service';
import type { ClientRequest } from './client.ts';
import { filters } from './filters/index.ts';
import { chainOf, type FilterChain } from './passage.ts';
import { predicates } from './predicates/index.ts';
import type { Predicate } from './predicates/predicate.ts';
import { createRateLimiter, type RateLimit, type RateLimiter } from './rate-limiter.ts';
import type { RouteContext } from './route-context.ts';
import type { Route } from './routes.ts';
import { createForwarding, type Forwarding } from './trusted-proxies.ts';

export interface CompiledRoute extends Route {
  /** What a request at one of its paths has to be like besides; undefined for any. */
  readonly matches?: Predicate | undefined;
  /** Undefined for no filters. */
  readonly chain?: FilterChain | undefined;
}

/** What the routes of one gateway are compiled with, however often they are loaded. */
export interface CompilerOptions {
  forwarding?: Pick<Forwarding, 'clientAddressOf'>;
  callerOf?: (request: ClientRequest) => Caller | undefined;
  clock?: Clock;
  random?: () => number;
}

export type RouteCompiler = (routes: readonly Route[]) => readonly CompiledRoute[];

/** Nobody is known by name, until there is sign-in. */
const nobody = (): undefined => undefined;

export function createRouteCompiler({
  forwarding = createForwarding(),
  callerOf = nobody,
  clock = systemClock,
  random = Math.random,
}: CompilerOptions = {}): RouteCompiler {
  let limiters = new Map<string, RateLimiter>();
  return (routes) => {
    const kept = new Map<string, RateLimiter>();
    const draw = createDraws(random);
    const compiled = routes.map((route) => {
      const limiterFor = (limit: RateLimit) => {
        const key = JSON.stringify([route.id, limit.perSecond, limit.burst]);
        const limiter = kept.get(key) ?? limiters.get(key) ?? createRateLimiter(limit);
        kept.set(key, limiter);
        return limiter;
      };
      return compileRoute({ route, routes, clock, callerOf, draw, limiterFor, ...forwarding });
    });
    limiters = kept;
    return compiled;
  };
}

/** All routes of a group have to see the same number for one request; a request is matched before the next one comes. */
function createDraws(random: () => number): RouteContext['draw'] {
  const last = new Map<string, { request: ClientRequest; drawn: number }>();
  return (group, request) => {
    const known = last.get(group);
    if (known?.request === request) return known.drawn;
    const drawn = random();
    last.set(group, { request, drawn });
    return drawn;
  };
}

function compileRoute(context: RouteContext): CompiledRoute {
  const { route } = context;
  const { path: _, ...conditions } = route.predicates;
  const matches = all(
    Object.entries(conditions).map(([name, setting]) => kindOf(predicates, name).compile(setting, context)),
  );
  const steps = (route.filters ?? []).flatMap((step) => Object.entries(step));
  const chain = chainOf(steps.map(([name, setting]) => kindOf(filters, name).compile(setting, context)));
  return { ...route, matches, chain };
}

/** Routes are checked before they are compiled. */
function kindOf<Kind>(kinds: Readonly<Record<string, Kind>>, name: string): Kind {
  const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
  if (kind === undefined) throw new Error(`${name} is not in the catalogue`);
  return kind;
}

function all(conditions: readonly Predicate[]): Predicate | undefined {
  if (conditions.length < 2) return conditions[0];
  return (request) => {
    for (const holds of conditions) if (!holds(request)) return false;
    return true;
  };
}
