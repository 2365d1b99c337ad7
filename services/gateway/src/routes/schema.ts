/**
 * Generates documents from the catalogues: the JSON schema of the file, for editors, and the tables of docs/gateway.md.
 */
import { type TSchema, Type } from 'typebox';
import { PATHS } from './path-template.ts';
import type { Plugin, PluginCatalogue } from './plugin.ts';
import { routeProperties } from './route.ts';

type Plugins = Readonly<Record<string, Pick<Plugin<never, unknown>, 'schema' | 'summary' | 'example'>>>;

const schemasOf = (plugins: Plugins): Record<string, TSchema> =>
  Object.fromEntries(
    Object.entries(plugins).map(([name, { schema, summary }]) => [
      name,
      Type.Optional({ ...schema, description: summary }),
    ]),
  );

/** Returns the schema for `services/gateway/routes.schema.json`. */
export function routesFileSchema({ predicates, filters }: PluginCatalogue): TSchema {
  const conditions = Type.Object({ ...schemasOf(predicates), path: PATHS }, { additionalProperties: false });
  const step = Type.Object(schemasOf(filters), { additionalProperties: false, minProperties: 1, maxProperties: 1 });
  const route = Type.Object(
    { ...routeProperties, predicates: conditions, filters: Type.Optional(Type.Array(step)) },
    { additionalProperties: false },
  );
  return Type.Object(
    { $schema: Type.Optional(Type.String()), routes: Type.Array(route, { minItems: 1 }) },
    { additionalProperties: false, title: 'The routes of the Daybook gateway' },
  );
}

/** Returns a table in Markdown. */
export function markdownTable(plugins: Plugins): string {
  const rows = Object.entries(plugins).map(
    ([name, { summary, example }]) => `| \`${name}\` | \`${inline(example)}\` | ${summary} |`,
  );
  return ['| name | for example | meaning |', '| --- | --- | --- |', ...rows].join('\n');
}

const inline = (example: unknown): string =>
  JSON.stringify(example, null, 1).replaceAll(/\n\s*/g, ' ').replaceAll('[ ', '[').replaceAll(' ]', ']');
