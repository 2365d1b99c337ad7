/** The methods that an application serves at a path (RFC 9110, section 15.5.6), for 405 and its `Allow`. */
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';

interface KnownPath {
  readonly segments: readonly string[];
  readonly methods: Set<string>;
  /** The `methods` that only operators may use. */
  readonly forOperators: Set<string>;
}

const segmentsOf = (path: string): string[] => path.split('/');

/** Returns whether a path matches. A parameter matches one non-empty segment, and `*` matches any rest. */
function covers({ segments }: KnownPath, path: readonly string[]): boolean {
  if (segments.at(-1) === '*') return path.length >= segments.length && segments.slice(0, -1).every(isAt(path));
  return path.length === segments.length && segments.every(isAt(path));
}

const isAt = (path: readonly string[]) => (segment: string, index: number) =>
  segment.startsWith(':') ? path[index] !== '' : segment === path[index];

/** Returns the sorted methods that a request may use at a path, or none for an unknown path. */
export type MethodsOf = (path: string, request: IncomingMessage) => string[];

/**
 * Collects the routes that are registered after it.
 * @param isOperator returns whether a request may use routes that are for operators only
 */
export function collectMethods(app: FastifyInstance, isOperator: (request: IncomingMessage) => boolean): MethodsOf {
  const known = new Map<string, KnownPath>();
  app.addHook('onRoute', ({ method, url, config }) => {
    const path = known.get(url) ?? { segments: segmentsOf(url), methods: new Set(), forOperators: new Set() };
    known.set(url, path);
    for (const one of [method].flat()) {
      path.methods.add(one);
      if (config?.operations === 'only') path.forOperators.add(one);
    }
  });
  return (path, request) => {
    const segments = segmentsOf(path);
    const found = [...known.values()].filter((one) => covers(one, segments));
    const served = ({ methods, forOperators }: KnownPath) =>
      isOperator(request) ? methods : methods.difference(forOperators);
    return [...new Set(found.flatMap((one) => [...served(one)]))].sort();
  };
}
