/** The methods that an application serves at a path (RFC 9110, section 15.5.6): for 405 and its `Allow`. */
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';

interface KnownPath {
  readonly segments: readonly string[];
  readonly methods: Set<string>;
  /** Those of `methods` that are for operators only. */
  readonly forOperators: Set<string>;
}

const segmentsOf = (path: string): string[] => path.split('/');

/** A parameter stands for one segment that is not empty, `*` for whatever follows. */
function covers({ segments }: KnownPath, path: readonly string[]): boolean {
  if (segments.at(-1) === '*') return path.length >= segments.length && segments.slice(0, -1).every(isAt(path));
  return path.length === segments.length && segments.every(isAt(path));
}

const isAt = (path: readonly string[]) => (segment: string, index: number) =>
  segment.startsWith(':') ? path[index] !== '' : segment === path[index];

/** Returns the methods that a request is served with at a path, sorted; none for a path that it does not find. */
export type MethodsOf = (path: string, request: IncomingMessage) => string[];

/**
 * Collects the routes that are registered after it.
 * @param isOperator returns whether a request is served routes that are for operators only
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
