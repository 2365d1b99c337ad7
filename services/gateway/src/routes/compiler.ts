/** Compiles routes of the file for requests. Computes all that does not depend on a request. */
import { type Clock, systemClock } from '@daybook/service';
import { IDENTITY_SERVICE, isIdentityPath } from '../authentication/identity-calls.ts';
import { callerOf } from '../authentication/verified-callers.ts';
import type { ClientRequest } from '../http/client-exchange.ts';
import { createForwarding, type Forwarding } from '../http/forwarded.ts';
import { createRateLimiter, type RateLimit, type RateLimiter } from '../resilience/rate-limiter.ts';
import type { RouteContext } from './context.ts';
import { compileFilterChain, type FilterChain } from './filter.ts';
import type { PluginCatalogue, Predicate } from './plugin.ts';
import type { Route } from './route.ts';

export interface CompiledRoute extends Route {
  /** Tests the other predicates of the route; undefined without any. */
  readonly matches?: Predicate | undefined;
  /** Undefined without filters. */
  readonly chain?: FilterChain | undefined;
  /** Whether it leads to the pages and the protocol of identity, which read cookies and credentials themselves. */
  readonly isOfIdentity?: boolean;
}

/** The dependencies of a gateway's routes, for every load. */
export interface CompilerOptions {
  plugins: PluginCatalogue;
  forwarding?: Pick<Forwarding, 'clientAddressOf'>;
  clock?: Clock;
  random?: () => number;
}

export type RouteCompiler = (routes: readonly Route[]) => readonly CompiledRoute[];

export function createRouteCompiler({
  plugins,
  forwarding = createForwarding(),
  clock = systemClock,
  random = Math.random,
}: CompilerOptions): RouteCompiler {
  let limiters = new Map<string, RateLimiter>();
  return (routes) => {
    const nextLimiters = new Map<string, RateLimiter>();
    const draw = createDraw(random);
    const compiled = routes.map((route) => {
      const limiterFor = (limit: RateLimit) => {
        const key = JSON.stringify([route.id, limit.perSecond, limit.burst]);
        const limiter = nextLimiters.get(key) ?? limiters.get(key) ?? createRateLimiter(limit);
        nextLimiters.set(key, limiter);
        return limiter;
      };
      return compileRoute(plugins, { route, routes, clock, callerOf, draw, limiterFor, ...forwarding });
    });
    limiters = nextLimiters;
    return compiled;
  };
}

/**
 * Creates the draw for weights. All routes of a group need the same number for one request, and one request is matched
 * at a time.
 */
function createDraw(random: () => number): RouteContext['draw'] {
  const last = new Map<string, { request: ClientRequest; drawn: number }>();
  return (group, request) => {
    const previous = last.get(group);
    if (previous?.request === request) return previous.drawn;
    const drawn = random();
    last.set(group, { request, drawn });
    return drawn;
  };
}

function compileRoute({ predicates, filters }: PluginCatalogue, context: RouteContext): CompiledRoute {
  const { route } = context;
  const { path: _, ...conditions } = route.predicates;
  const matches = allOf(
    Object.entries(conditions).map(([name, setting]) => pluginOf(predicates, name).compile(setting, context)),
  );
  const steps = (route.filters ?? []).flatMap((step) => Object.entries(step));
  const chain = compileFilterChain(steps.map(([name, setting]) => pluginOf(filters, name).compile(setting, context)));
  const isOfIdentity = route.service === IDENTITY_SERVICE && route.predicates.path.every(isIdentityPath);
  return { ...route, matches, chain, isOfIdentity };
}

/** Returns a plugin. Its name exists, because routes are checked before they are compiled. */
function pluginOf<Plugin>(plugins: Readonly<Record<string, Plugin>>, name: string): Plugin {
  const plugin = Object.hasOwn(plugins, name) ? plugins[name] : undefined;
  if (plugin === undefined) throw new Error(`${name} is not in the catalogue`);
  return plugin;
}

function allOf(conditions: readonly Predicate[]): Predicate | undefined {
  if (conditions.length < 2) return conditions[0];
  return (request) => {
    for (const holds of conditions) if (!holds(request)) return false;
    return true;
  };
}
