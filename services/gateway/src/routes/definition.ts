/** Defines and checks the file of routes. Reports all faults together. */
import { readFile } from 'node:fs/promises';
import { type Fault, PARKED_EVENTS_PATH } from '@daybook/contracts';
import { createValidator, EXIT, StartFailure } from '@daybook/service';
import { Type } from 'typebox';
import { IDENTITY_SERVICE, isPathOfIdentity } from '../authentication/identity-calls.ts';
import { PATHS, SUBTREE } from './path-template.ts';
import type { Plugin, PluginCatalogue } from './plugin.ts';
import { type Route, routeProperties } from './route.ts';

const MAX_ROUTES = 1_000;
const MAX_FILTERS = 20;
const MAX_CHARACTERS = 1024 * 1024;

const RouteShape = Type.Object(
  {
    ...routeProperties,
    predicates: Type.Intersect([Type.Object({ path: PATHS }), Type.Record(Type.String(), Type.Unknown())]),
    filters: Type.Optional(
      Type.Array(Type.Record(Type.String(), Type.Unknown(), { minProperties: 1, maxProperties: 1 }), {
        maxItems: MAX_FILTERS,
      }),
    ),
  },
  { additionalProperties: false },
);

const FileShape = Type.Object(
  {
    $schema: Type.Optional(Type.String({ description: 'For editors' })),
    routes: Type.Array(Type.Unknown(), { minItems: 1, maxItems: MAX_ROUTES }),
  },
  { additionalProperties: false },
);

/** The default routes of Daybook. */
export const ROUTES_FILE = new URL('../../routes.json', import.meta.url);

/**
 * Reads the text of a file of routes.
 * @throws StartFailure 78 when it cannot be read
 */
export async function readRoutesText(file: URL | string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new StartFailure(EXIT.configuration, `The routes cannot be read: ${reasonOf(error)}.`, { cause: error });
  }
}

/**
 * Reads and checks the routes.
 * @throws StartFailure 78 with all faults of the routes, in one line
 */
export const readRoutes = async (file: URL | string, plugins: PluginCatalogue): Promise<readonly Route[]> =>
  parseRoutes(await readRoutesText(file), plugins);

/**
 * Parses and checks the routes.
 * @throws StartFailure 78 with all faults of the routes, in one line
 */
export function parseRoutes(text: string, plugins: PluginCatalogue): readonly Route[] {
  const file = checkFile(parse(text));
  if ('faults' in file) throw invalidRoutes(file.faults.map(formatFault));
  // Each route is checked on its own, because the checker reports only the first fault of a large value.
  const checked = file.value.routes.map((route, index) => checkRoute(route, `/routes/${index}`, plugins));
  const faults = checked.flatMap((result) => ('faults' in result ? result.faults : []));
  if (faults.length > 0) throw invalidRoutes(faults.map(formatFault));
  const routes = checked.flatMap((result) => ('value' in result ? [result.value] : []));
  const conflicts = conflictsIn(routes);
  if (conflicts.length > 0) throw invalidRoutes(conflicts);
  return routes;
}

const formatFault = ({ pointer, message }: Fault): string => `${pointer || 'the file'} ${message}`;

const invalidRoutes = (faults: readonly string[]) =>
  new StartFailure(EXIT.configuration, `The routes are wrong: ${faults.join('; ')}.`);

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function parse(text: string): unknown {
  if (text.length > MAX_CHARACTERS) throw invalidRoutes([`they are longer than ${MAX_CHARACTERS} letters`]);
  try {
    return JSON.parse(text);
  } catch (error) {
    // The rest of some messages quotes the file, which may contain a secret.
    const [reason = ''] = reasonOf(error).split(/, (?:\.\.\.)?"/);
    throw invalidRoutes([`they are not JSON (${reason})`]);
  }
}

const checkFile = createValidator(FileShape);
const checkShape = createValidator(RouteShape);

function checkRoute(
  route: unknown,
  at: string,
  { predicates, filters }: PluginCatalogue,
): { value: Route } | { faults: Fault[] } {
  const shape = checkShape(route);
  if ('faults' in shape) return { faults: prefixPointers(at, shape.faults) };
  const { predicates: conditions, filters: steps = [] } = shape.value;
  const faults = [
    ...prefixPointers(`${at}/predicates`, faultsOfSettings(conditions, predicates)),
    ...steps.flatMap((step, index) => prefixPointers(`${at}/filters/${index}`, faultsOfSettings(step, filters))),
  ];
  return faults.length > 0 ? { faults } : { value: shape.value };
}

function faultsOfSettings(
  settings: Readonly<Record<string, unknown>>,
  plugins: Readonly<Record<string, Pick<Plugin<never, unknown>, 'faultsOf'>>>,
): Fault[] {
  return Object.entries(settings).flatMap(([name, setting]) => {
    const plugin = Object.hasOwn(plugins, name) ? plugins[name] : undefined;
    const pointer = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    return plugin ? prefixPointers(pointer, plugin.faultsOf(setting)) : [{ pointer, message: 'is not known here' }];
  });
}

const prefixPointers = (at: string, faults: readonly Fault[]): Fault[] =>
  faults.map(({ pointer, message }) => ({ pointer: at + pointer, message }));

/** Returns conflicts between routes that are valid one by one. */
function conflictsIn(routes: readonly Route[]): string[] {
  const paths = routes.flatMap((route) => route.predicates.path.map((path) => ({ path, route })));
  return [
    ...duplicatesIn(routes.map(({ id }) => id)).map((id) => `more than one route has the id ${id}`),
    ...[...Map.groupBy(paths, ({ path }) => path)]
      .filter(([, group]) => hidesAnother(group.map(({ route }) => route)))
      .map(([path]) => `more than one route has the path ${path}`),
    ...paths.filter(isBesideIdentity).map(({ path }) => `${IDENTITY_SERVICE} has no public path ${path}`),
    ...paths.flatMap(({ path }) => ownPathsHiddenBy(path).map((own) => `the path ${path} would hide ${own}`)),
  ];
}

/**
 * Returns whether a route hides another with the same path. A catch-all before the last hides the rest, and so do equal
 * conditions. Routes with weights share a path.
 */
function hidesAnother(routes: readonly Route[]): boolean {
  const conditions = routes.filter(({ predicates }) => !('weight' in predicates)).map(conditionsOf);
  const catchAll = routes.findIndex(({ predicates }) => Object.keys(predicates).length === 1);
  return new Set(conditions).size < conditions.length || (catchAll !== -1 && catchAll < routes.length - 1);
}

/** Returns whether a path leads to what is not public of identity. */
const isBesideIdentity = ({ path, route }: { path: string; route: Route }): boolean =>
  route.service === IDENTITY_SERVICE && !isPathOfIdentity(path, route.predicates.path);

/** Returns the other predicates as one text. */
const conditionsOf = ({ predicates: { path: _, ...others } }: Route): string =>
  JSON.stringify(Object.entries(others).sort(([one], [other]) => (one < other ? -1 : 1)));

/** The gateway's own paths. The consumers' routes are below the list of parked events. */
const OWN_PATHS = [
  { path: PARKED_EVENTS_PATH, words: 'the list of parked events', withBelow: false },
  ...['/admin/routes', '/docs', '/health', '/info', '/login', '/logout', '/metrics', '/openapi.json'].map((path) => ({
    path,
    words: `the gateway’s own ${path}`,
    withBelow: true,
  })),
];

/** Returns the gateway's own paths that a pattern hides. A `{name}` in a pattern matches any segment. */
function ownPathsHiddenBy(pattern: string): string[] {
  const hasSubtree = pattern.endsWith(SUBTREE);
  const segments = pattern.slice(0, hasSubtree ? -SUBTREE.length : undefined).split('/');
  return OWN_PATHS.filter(({ path, withBelow }) => {
    const own = path.split('/');
    const longer = segments.length - own.length;
    const agrees = segments.every((segment, at) => at >= own.length || segment === own[at] || segment.startsWith('{'));
    return agrees && (hasSubtree || longer >= 0) && (withBelow || longer <= 0);
  }).map(({ words }) => words);
}

const duplicatesIn = (names: readonly string[]): string[] => [
  ...new Set(names.filter((name, index) => names.indexOf(name) !== index)),
];
