/** What the catalogues say of themselves: the JSON schema of the file, for editors, and the tables of docs/gateway.md. */
import { type TSchema, Type } from 'typebox';
import { filters } from './filters/index.ts';
import type { Kind } from './kinds.ts';
import { predicates } from './predicates/index.ts';
import { PATHS } from './predicates/path.ts';
import { routeProperties } from './routes.ts';

type Kinds = Readonly<Record<string, Pick<Kind<never, unknown>, 'schema' | 'summary' | 'example'>>>;

const described = (kinds: Kinds): Record<string, TSchema> =>
  Object.fromEntries(
    Object.entries(kinds).map(([name, { schema, summary }]) => [
      name,
      Type.Optional({ ...schema, description: summary }),
    ]),
  );

/** `services/gateway/routes.schema.json`. */
export function routesFileSchema(): TSchema {
  const conditions = Type.Object({ ...described(predicates), path: PATHS }, { additionalProperties: false });
  const step = Type.Object(described(filters), { additionalProperties: false, minProperties: 1, maxProperties: 1 });
  const route = Type.Object(
    { ...routeProperties, predicates: conditions, filters: Type.Optional(Type.Array(step)) },
    { additionalProperties: false },
  );
  return Type.Object(
    { $schema: Type.Optional(Type.String()), routes: Type.Array(route, { minItems: 1 }) },
    { additionalProperties: false, title: 'The routes of the Daybook gateway' },
  );
}

/** A table of Markdown. */
export function tableOf(kinds: Kinds): string {
  const rows = Object.entries(kinds).map(
    ([name, { summary, example }]) => `| \`${name}\` | \`${inline(example)}\` | ${summary} |`,
  );
  return ['| name | for example | what it says |', '| --- | --- | --- |', ...rows].join('\n');
}

const inline = (example: unknown): string =>
  JSON.stringify(example, null, 1).replaceAll(/\n\s*/g, ' ').replaceAll('[ ', '[').replaceAll(' ]', ']');
