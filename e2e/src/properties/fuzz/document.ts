/** Reads the API document of a running system, as a list of operations with expanded schemas. */
import { createParser } from '@daybook/service';
import { type Static, Type } from 'typebox';

const Words = Type.Array(Type.String());
const Named = Type.Record(Type.String(), Type.Unknown());

/** The part of JSON Schema that the contracts use. The validator covers the rest. */
const JsonSchema = Type.Object({
  $ref: Type.Optional(Type.String()),
  type: Type.Optional(Type.String()),
  format: Type.Optional(Type.String()),
  pattern: Type.Optional(Type.String()),
  enum: Type.Optional(Type.Array(Type.Unknown())),
  const: Type.Optional(Type.Unknown()),
  minLength: Type.Optional(Type.Integer()),
  maxLength: Type.Optional(Type.Integer()),
  minimum: Type.Optional(Type.Number()),
  maximum: Type.Optional(Type.Number()),
  multipleOf: Type.Optional(Type.Number()),
  minItems: Type.Optional(Type.Integer()),
  maxItems: Type.Optional(Type.Integer()),
  uniqueItems: Type.Optional(Type.Boolean()),
  items: Type.Optional(Type.Unknown()),
  anyOf: Type.Optional(Type.Array(Type.Unknown())),
  required: Type.Optional(Words),
  properties: Type.Optional(Named),
});
export type JsonSchema = Static<typeof JsonSchema>;
export const readSchema = createParser(JsonSchema);

const Content = Type.Record(Type.String(), Type.Object({ schema: Type.Unknown() }));
const Parameter = Type.Object({
  in: Type.String({ enum: ['path', 'query', 'header'] }),
  name: Type.String(),
  required: Type.Optional(Type.Boolean()),
  schema: Type.Unknown(),
});
export type Parameter = Static<typeof Parameter>;
const Response = Type.Object({ headers: Type.Optional(Named), content: Type.Optional(Content) });
const Operation = Type.Object({
  operationId: Type.String(),
  parameters: Type.Optional(Type.Array(Parameter)),
  requestBody: Type.Optional(Type.Object({ content: Content })),
  responses: Type.Record(Type.String(), Response),
});
const readDocument = createParser(
  Type.Object({
    paths: Type.Record(Type.String(), Type.Record(Type.String(), Operation)),
    components: Type.Object({ schemas: Named }),
  }),
);

export interface Operation {
  readonly name: string;
  readonly method: string;
  /** `/api/v1/patients/{id}` */
  readonly path: string;
  readonly parameters: readonly Parameter[];
  /** The schema of the JSON body; undefined for an operation without one. */
  readonly body: unknown;
  readonly responses: Static<typeof Operation>['responses'];
}

/** Returns the schema with every reference expanded. None of the contracts refers to itself. */
function writtenOut(schema: unknown, schemas: Record<string, unknown>): unknown {
  if (Array.isArray(schema)) return schema.map((item) => writtenOut(item, schemas));
  if (typeof schema !== 'object' || schema === null) return schema;
  if ('$ref' in schema && typeof schema.$ref === 'string') {
    return writtenOut(schemas[schema.$ref.replace('#/components/schemas/', '')], schemas);
  }
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, writtenOut(value, schemas)]));
}

export async function readOperations(url: string): Promise<readonly Operation[]> {
  const response = await fetch(`${url}/openapi.json`);
  const raw = readDocument(await response.json());
  const { paths } = readDocument(writtenOut(raw, raw.components.schemas));
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters = [], requestBody, responses }]) => ({
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path,
      parameters,
      body: requestBody?.content['application/json']?.schema,
      responses,
    })),
  );
}
