/** Holds the routes in force. A change replaces all routes, or none. */
import { createHash } from 'node:crypto';
import { StartFailure, systemClock } from '@daybook/service';
import { type CompilerOptions, createRouteCompiler, type RouteCompiler } from './compiler.ts';
import { parseRoutes } from './definition.ts';
import type { Route } from './route.ts';
import { createRouteTable, type RouteTable } from './table.ts';

export interface ActiveRoutes {
  readonly table: RouteTable;
  readonly routes: readonly Route[];
  /** The services of the routes, each once. */
  readonly services: readonly string[];
  /** A hash of the source text. */
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
  /** Why the routes of the current file are not in force; undefined if they are. */
  readonly failure: RouteLoadFailure | undefined;
}

/** The outcome of a replacement. */
export type ReplaceResult = 'same' | 'replaced' | 'refused';

export interface MutableRouteStore extends RouteStore {
  /** Replaces the routes by those of a text. If the text is invalid, the previous routes stay. */
  replace(text: string): ReplaceResult;
  /** Records that the file cannot be read. Returns false if that is already known. */
  fail(reason: string): boolean;
}

/** Creates the store. @throws StartFailure 78 with all faults of the routes */
export function createRouteStore(text: string, options: CompilerOptions): MutableRouteStore {
  const { clock = systemClock } = options;
  const compile = createRouteCompiler(options);
  let current = activate(text, compile, options);
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
        current = activate(text, compile, options);
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

function activate(
  text: string,
  compile: RouteCompiler,
  { plugins, clock = systemClock }: CompilerOptions,
): ActiveRoutes {
  const routes = parseRoutes(text, plugins);
  return {
    table: createRouteTable(compile(routes)),
    routes,
    services: [...new Set(routes.map(({ service }) => service))],
    version: versionOf(text),
    since: clock(),
  };
}

const versionOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);
