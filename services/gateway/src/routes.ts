/** The routes: one file, checked as a whole before anything listens. */
import { readFile } from 'node:fs/promises';
import { PARKED_EVENTS_PATH } from '@daybook/contracts';
import { checkerOf, EXIT, StartFailure } from '@daybook/service';
import { type Static, Type } from 'typebox';

const LONGEST_TIMEOUT_MILLIS = 300_000;

export const Route = Type.Object(
  {
    id: Type.String({ pattern: '^[a-z][a-z0-9-]*$' }),
    predicates: Type.Object(
      {
        /** A path, or a path followed by `/**`, which also stands for everything below it. */
        path: Type.Array(Type.String({ pattern: '^(?:/[A-Za-z0-9._~-]+)+(?:/\\*\\*)?$' }), { minItems: 1 }),
      },
      { additionalProperties: false },
    ),
    /** The service id: `patient-service`. */
    service: Type.String({ pattern: '^[a-z][a-z0-9-]*$' }),
    /** How long the answer may take to begin, and then again to end. */
    timeoutMillis: Type.Optional(Type.Integer({ minimum: 1, maximum: LONGEST_TIMEOUT_MILLIS })),
  },
  { additionalProperties: false },
);
export type Route = Static<typeof Route>;

const RoutesFile = Type.Object({ routes: Type.Array(Route, { minItems: 1 }) }, { additionalProperties: false });

/** The routes that Daybook comes with. */
export const ROUTES_FILE = new URL('../routes.json', import.meta.url);

/**
 * Reads the routes from a file.
 * @throws StartFailure 78 naming everything that is wrong with it, in one line
 */
export async function readRoutes(file: URL | string): Promise<readonly Route[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new StartFailure(EXIT.configuration, `The routes cannot be read: ${reasonOf(error)}.`, { cause: error });
  }
  return parseRoutes(text);
}

/** @throws StartFailure 78 naming everything that is wrong with them, in one line */
export function parseRoutes(text: string): readonly Route[] {
  const checked = checkFile(parse(text));
  if ('faults' in checked)
    throw wrong(checked.faults.map(({ pointer, message }) => `${pointer || 'the file'} ${message}`));
  const { routes } = checked.value;
  const clashes = [
    ...repeated(routes.map(({ id }) => id)).map((id) => `more than one route has the id ${id}`),
    ...repeated(routes.flatMap(({ predicates }) => predicates.path)).map(
      (path) => `more than one route has the path ${path}`,
    ),
    ...routes
      .flatMap(({ predicates }) => predicates.path)
      .filter(hidesParkedEvents)
      .map((path) => `the path ${path} would hide the list of parked events`),
  ];
  if (clashes.length > 0) throw wrong(clashes);
  return routes;
}

/** The list is the gateway's own, below which the routes of the consumers are. */
const hidesParkedEvents = (path: string): boolean =>
  path === PARKED_EVENTS_PATH || (path.endsWith('/**') && `${PARKED_EVENTS_PATH}/`.startsWith(path.slice(0, -2)));

const wrong = (faults: readonly string[]) =>
  new StartFailure(EXIT.configuration, `The routes are wrong: ${faults.join('; ')}.`);

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw wrong([`they are not JSON (${reasonOf(error)})`]);
  }
}

const checkFile = checkerOf(RoutesFile);

const repeated = (names: readonly string[]): string[] => [
  ...new Set(names.filter((name, index) => names.indexOf(name) !== index)),
];
