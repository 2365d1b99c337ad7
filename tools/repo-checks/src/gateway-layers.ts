/** Finds imports between the folders of the gateway that do not go down, as a pure function of the sources. */
import { dirname, join, normalize } from 'node:path/posix';
import { importsOf, type Source } from './imports.ts';

export const GATEWAY = 'services/gateway/src/';

/**
 * The folders and files of the gateway, from the top down. Each imports only itself and what is below it. Those in one
 * line do not import each other. The longest matching name counts.
 */
export const LAYERS: readonly (readonly string[])[] = [
  ['main.ts'],
  ['app.ts'],
  ['api', 'websocket'],
  ['proxy'],
  ['plugins.ts'],
  ['filters', 'predicates'],
  ['routes'],
  ['authentication'],
  ['http/fast-path'],
  ['http'],
  ['resilience', 'upstream', 'config.ts', 'tls.ts'],
];

interface Room {
  readonly name: string;
  /** 0 is the top. */
  readonly depth: number;
}

const ROOMS: readonly Room[] = LAYERS.flatMap((names, depth) => names.map((name) => ({ name, depth }))).sort(
  (one, other) => other.name.length - one.name.length,
);

/** Returns the room of a path from the gateway's folder on; undefined when no line of the table has it. */
const roomOf = (path: string): Room | undefined =>
  ROOMS.find(({ name }) => path === name || path.startsWith(`${name}/`));

/** Returns whether a file may import from every layer. */
const isExempt = (path: string): boolean =>
  path.endsWith('.test.ts') || /(?:^|\/)testing\.ts$/.test(path) || path.startsWith('hardening/');

function faultsOf({ path, text }: Source): string[] {
  if (!path.startsWith(GATEWAY)) return [];
  const file = path.slice(GATEWAY.length);
  if (isExempt(file)) return [];
  const room = roomOf(file);
  if (!room) return [`${path}: is in no layer (add it to LAYERS)`];
  return importsOf(text)
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map(({ specifier }) => normalize(join(dirname(file), specifier)))
    .filter((imported) => {
      const target = roomOf(imported);
      return target !== room && (target === undefined || target.depth <= room.depth);
    })
    .map((imported) => `${path}: imports ${imported}, which is not below ${room.name}`);
}

/** Returns every import that does not go down, and every file outside the layers, as text. */
export const findUpwardImports = (sources: readonly Source[]): string[] => sources.flatMap(faultsOf);
