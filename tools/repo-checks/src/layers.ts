/** Finds imports between the folders of a service that do not go down, as a pure function of the sources. */
import { dirname, join, normalize } from 'node:path/posix';
import { importsOf, type Source } from './imports.ts';

/**
 * The folders and files of a service, from the top down. Each imports only itself and what is below it. Those in one
 * line do not import each other. The longest matching name counts.
 */
export type Layers = readonly (readonly string[])[];

const GATEWAY: Layers = [
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

const APPOINTMENT: Layers = [
  ['main.ts'],
  ['app.ts'],
  ['routes'],
  ['jobs', 'events/consumers.ts', 'clients'],
  ['store'],
  ['events/published.ts'],
  ['domain', 'config.ts'],
];

const PATIENT: Layers = [
  ['main.ts'],
  ['app.ts'],
  ['routes'],
  ['events/consumers.ts'],
  ['store'],
  ['events/published.ts'],
  ['domain', 'config.ts'],
];

const DOCTOR: Layers = [
  ['main.ts'],
  ['app.ts'],
  ['routes'],
  ['jobs'],
  ['store'],
  ['events/published.ts'],
  ['domain', 'config.ts'],
];

const NOTIFICATION: Layers = [['main.ts'], ['app.ts'], ['routes'], ['events/consumers.ts'], ['store'], ['config.ts']];

const IDENTITY: Layers = [
  ['admin-main.ts', 'testing-accounts.ts', 'testing-authenticator.ts'],
  ['main.ts', 'local-tokens.ts', 'invite-administrator.ts', 'demo-accounts.ts', 'audit-verify.ts'],
  ['app.ts', 'audit-heads.ts', 'first-administrator.ts', 'local-database.ts'],
  ['sealing-key.ts', 'api', 'events/consumers.ts', 'mail'],
  ['routes'],
  ['config.ts'],
  ['oidc', 'foreign'],
  ['http', 'pages', 'keys'],
  ['store'],
  ['credentials'],
  ['domain'],
];

export const LAYERS: ReadonlyMap<string, Layers> = new Map([
  ['services/gateway/src/', GATEWAY],
  ['services/appointment/src/', APPOINTMENT],
  ['services/patient/src/', PATIENT],
  ['services/doctor/src/', DOCTOR],
  ['services/notification/src/', NOTIFICATION],
  ['services/identity/src/', IDENTITY],
]);

interface Place {
  readonly name: string;
  /** 0 is the top. */
  readonly depth: number;
}

const placesOf = (layers: Layers): readonly Place[] =>
  layers
    .flatMap((names, depth) => names.map((name) => ({ name, depth })))
    .sort((one, other) => other.name.length - one.name.length);

/** Returns the place of a path from the folder of its service on; undefined when no line of the table has it. */
const placeOf = (path: string, places: readonly Place[]): Place | undefined =>
  places.find(({ name }) => path === name || path.startsWith(`${name}/`));

/** Returns whether a file may import from every layer. */
const isExempt = (path: string): boolean =>
  /(?:\.test|\.d)\.ts$/.test(path) || /(?:^|\/)testing\.ts$/.test(path) || path.startsWith('hardening/');

function faultsOf({ path, text }: Source, folder: string, places: readonly Place[]): string[] {
  if (!path.startsWith(folder)) return [];
  const file = path.slice(folder.length);
  if (isExempt(file)) return [];
  const place = placeOf(file, places);
  if (!place) return [`${path}: is in no layer (add it to the table of its service)`];
  return (
    importsOf(text)
      .filter(({ specifier }) => specifier.startsWith('.'))
      .map(({ specifier }) => normalize(join(dirname(file), specifier)))
      // Migrations are outside of the layers and import none.
      .filter((imported) => !imported.startsWith('../migrations/'))
      .filter((imported) => {
        const target = placeOf(imported, places);
        return target !== place && (target === undefined || target.depth <= place.depth);
      })
      .map((imported) => `${path}: imports ${imported}, which is not below ${place.name}`)
  );
}

/** Returns every import that does not go down, and every file outside the layers of its service, as text. */
export const findUpwardImports = (sources: readonly Source[]): string[] =>
  [...LAYERS].flatMap(([folder, layers]) => {
    const places = placesOf(layers);
    return sources.flatMap((source) => faultsOf(source, folder, places));
  });
