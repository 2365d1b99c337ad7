/** The methods that an application serves at a path (RFC 9110, section 15.5.6): for 405 and its `Allow`. */
import type { FastifyInstance } from 'fastify';

interface KnownPath {
  readonly segments: readonly string[];
  readonly methods: Set<string>;
}

const segmentsOf = (path: string): string[] => path.split('/');

/** A parameter stands for one segment that is not empty, `*` for whatever follows. */
function covers({ segments }: KnownPath, path: readonly string[]): boolean {
  if (segments.at(-1) === '*') return path.length >= segments.length && segments.slice(0, -1).every(isAt(path));
  return path.length === segments.length && segments.every(isAt(path));
}

const isAt = (path: readonly string[]) => (segment: string, index: number) =>
  segment.startsWith(':') ? path[index] !== '' : segment === path[index];

/**
 * Collects the routes that are registered after it. The function that it returns gives the methods of a path, sorted; none
 * for a path that does not exist.
 */
export function collectMethods(app: FastifyInstance): (path: string) => string[] {
  const known = new Map<string, KnownPath>();
  app.addHook('onRoute', ({ method, url }) => {
    const path = known.get(url) ?? { segments: segmentsOf(url), methods: new Set() };
    known.set(url, path);
    for (const one of [method].flat()) path.methods.add(one);
  });
  return (path) => {
    const segments = segmentsOf(path);
    const found = [...known.values()].filter((one) => covers(one, segments));
    return [...new Set(found.flatMap(({ methods }) => [...methods]))].sort();
  };
}
