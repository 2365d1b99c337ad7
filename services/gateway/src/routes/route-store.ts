/** The routes in force: replaced as a whole, or not at all. */
import { createHash } from 'node:crypto';
import { type Clock, StartFailure, systemClock } from '@daybook/service';
import { type CompilerOptions, createRouteCompiler, type RouteCompiler } from './compiler.ts';
import { parseRoutes, type Route } from './definition.ts';
import { createRouteTable, type RouteTable } from './table.ts';

export interface ActiveRoutes {
  readonly table: RouteTable;
  readonly routes: readonly Route[];
  /** What they lead to, each once. */
  readonly services: readonly string[];
  /** A hash of the text that they were read from. */
  readonly version: string;
  readonly since: Temporal.Instant;
}

export interface RouteLoadFailure {
  readonly at: Temporal.Instant;
  /** One line. */
  readonly reason: string;
}

export interface RouteStore {
  readonly current: ActiveRoutes;
  /** Why the routes that are in the file now are not in force; undefined where they are. */
  readonly failure: RouteLoadFailure | undefined;
}

/** What came of a text. */
export type ReplaceResult = 'same' | 'replaced' | 'refused';

export interface MutableRouteStore extends RouteStore {
  /** Puts the routes of a text into force, unless something is wrong with them: those before stay then. */
  replace(text: string): ReplaceResult;
  /** The routes cannot even be read. False where that is known. */
  fail(reason: string): boolean;
}

/** @throws StartFailure 78 naming everything that is wrong with the routes */
export function createRouteStore(text: string, options: CompilerOptions = {}): MutableRouteStore {
  const { clock = systemClock } = options;
  const compile = createRouteCompiler(options);
  let current = activate(text, compile, clock);
  let failure: (RouteLoadFailure & { readonly version: string }) | undefined;

  function recordFailure(reason: string, version: string): boolean {
    if (failure?.reason === reason && failure.version === version) return false;
    failure = { at: clock(), reason, version };
    return true;
  }

  return {
    get current() {
      return current;
    },
    get failure() {
      return failure;
    },
    replace(text) {
      const version = versionOf(text);
      if (version === current.version) {
        const recovered = failure !== undefined;
        failure = undefined;
        return recovered ? 'replaced' : 'same';
      }
      if (version === failure?.version) return 'same';
      try {
        current = activate(text, compile, clock);
      } catch (error) {
        if (!(error instanceof StartFailure)) throw error;
        recordFailure(error.message, version);
        return 'refused';
      }
      failure = undefined;
      return 'replaced';
    },
    fail: (reason) => recordFailure(reason, ''),
  };
}

function activate(text: string, compile: RouteCompiler, clock: Clock): ActiveRoutes {
  const routes = parseRoutes(text);
  return {
    table: createRouteTable(compile(routes)),
    routes,
    services: [...new Set(routes.map(({ service }) => service))],
    version: versionOf(text),
    since: clock(),
  };
}

const versionOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);
