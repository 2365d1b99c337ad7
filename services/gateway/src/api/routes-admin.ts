/** Serves `GET /admin/routes`: the routes in force, read-only, for administrators. */
import type { App } from '@daybook/service';
import { plugins } from '../plugins.ts';
import type { Plugin } from '../routes/plugin.ts';
import type { Route } from '../routes/route.ts';
import type { RouteStore } from '../routes/route-store.ts';
import { type CallerDependencies, permittedCaller } from './caller.ts';

const MASK = '***';

export interface RoutesAdminDependencies extends CallerDependencies {
  /** The file that the routes come from. */
  readonly file: string | undefined;
  readonly routes: RouteStore;
}

export function addRoutesAdmin(app: App, dependencies: RoutesAdminDependencies): void {
  const { file, routes } = dependencies;
  app.get('/admin/routes', { config: { operations: 'only' } }, async (request, reply) => {
    await permittedCaller(dependencies, request, reply, ['administrator']);
    const { current, failure } = routes;
    return reply.send({
      ...(file !== undefined && { file }),
      version: current.version,
      since: current.since.toString(),
      ...(failure && { failure: { at: failure.at.toString(), reason: failure.reason } }),
      routes: current.table.order.map(({ path, route }) => ({ path, ...toPublicRoute(route) })),
    });
  });
  app.gauge({
    name: 'gateway_routes_failed',
    help: '1 while the file of routes is wrong and those before stay in force',
    value: () => (routes.failure ? 1 : 0),
  });
  app.gauge({
    name: 'gateway_routes_loaded_timestamp_seconds',
    help: 'Since when the routes in force are',
    value: () => routes.current.since.epochMilliseconds / 1_000,
  });
}

/** Omits values that may be secrets. */
function toPublicRoute({ id, service, predicates: conditions, filters: steps = [], timeoutMillis, timeouts }: Route) {
  const { path: _, ...others } = conditions;
  return {
    id,
    service,
    predicates: masked(others, plugins.predicates),
    filters: steps.map((step) => masked(step, plugins.filters)),
    timeoutMillis,
    timeouts,
  };
}

function masked(
  settings: object,
  catalogue: Readonly<Record<string, Pick<Plugin<never, unknown>, 'hasSecrets'>>>,
): object {
  return Object.fromEntries(
    Object.entries(settings).map(([name, setting]) => [
      name,
      catalogue[name]?.hasSecrets ? namesOnly(setting) : setting,
    ]),
  );
}

const namesOnly = (setting: unknown): unknown =>
  typeof setting === 'object' && setting !== null
    ? Object.fromEntries(Object.keys(setting).map((name) => [name, MASK]))
    : MASK;
