/** Merges several OpenAPI documents into one. */
import { isDeepStrictEqual } from 'node:util';
import { createValidator, VERSION } from '@daybook/service';
import { type Static, Type } from 'typebox';

const ServiceDocument = Type.Object({
  openapi: Type.String({ pattern: '^3\\.1\\.' }),
  paths: Type.Record(Type.String(), Type.Record(Type.String(), Type.Unknown())),
  components: Type.Optional(Type.Record(Type.String(), Type.Record(Type.String(), Type.Unknown()))),
  tags: Type.Optional(Type.Array(Type.Object({ name: Type.String() }))),
});
type ServiceDocument = Static<typeof ServiceDocument>;

export interface OpenApiDocument {
  openapi: string;
  info: { title: string; version: string };
  servers: { url: string }[];
  tags: { name: string }[];
  paths: Record<string, Record<string, unknown>>;
  components: Record<string, Record<string, unknown>>;
}

/** The documents cannot be merged. */
export class OpenApiConflict extends Error {
  override readonly name = 'OpenApiConflict';
}

const PUBLIC_PREFIX = '/api/';

const checkServiceDocument = createValidator(ServiceDocument);

/**
 * Merges the public APIs of the services into one document. The order of the parts does not change the result.
 * @throws OpenApiConflict when two documents define one thing differently, or a part is not a document
 */
export function mergeOpenApi(documents: ReadonlyMap<string, unknown>): OpenApiDocument {
  const paths = new Collection('path');
  const components = new Collection('component');
  const tags = new Collection('tag');
  for (const [service, document] of byName(documents)) {
    const serviceDocument = parseServiceDocument(service, document);
    for (const [path, operations] of Object.entries(serviceDocument.paths)) {
      if (path.startsWith(PUBLIC_PREFIX)) paths.addAll(path, operations);
    }
    for (const [kind, named] of Object.entries(serviceDocument.components ?? {})) components.addAll(kind, named);
    for (const tag of serviceDocument.tags ?? []) tags.addAll('', { [tag.name]: tag });
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Daybook', version: VERSION },
    servers: [{ url: '/' }],
    tags: Object.keys(tags.sorted()[''] ?? {}).map((name) => ({ name })),
    paths: paths.sorted(),
    components: components.sorted(),
  };
}

function parseServiceDocument(service: string, document: unknown): ServiceDocument {
  const checked = checkServiceDocument(document);
  if ('faults' in checked) throw new OpenApiConflict(`the response of ${service} is not an OpenAPI 3.1 document`);
  return checked.value;
}

/** Collects named definitions in named groups. A definition may repeat only if it is identical. */
class Collection {
  readonly #kind: string;
  readonly #groups = new Map<string, Map<string, unknown>>();

  constructor(kind: string) {
    this.#kind = kind;
  }

  addAll(group: string, named: Readonly<Record<string, unknown>>): void {
    const known = this.#groups.get(group) ?? new Map<string, unknown>();
    this.#groups.set(group, known);
    for (const [name, value] of Object.entries(named)) {
      if (known.has(name) && !isDeepStrictEqual(known.get(name), value)) {
        throw new OpenApiConflict(`the ${this.#kind} ${group} ${name} has two meanings`);
      }
      known.set(name, value);
    }
  }

  sorted(): Record<string, Record<string, unknown>> {
    return Object.fromEntries(
      byName(this.#groups).map(([group, named]) => [group, Object.fromEntries(byName(named))] as const),
    );
  }
}

const byName = <Value>(entries: ReadonlyMap<string, Value>): [string, Value][] =>
  [...entries].sort(([one], [other]) => (one < other ? -1 : 1));
