/** JSON merge patch, RFC 7396: what it may hold, and what it does. */
import { type Static, type TObject, type TProperties, type TSchema, type TUnsafe, Type } from 'typebox';

type PlainObject = { [key: string]: unknown };

/** Any field may be left out, an optional one may be set to null to remove it, an object is patched itself. */
export type MergePatch<Resource> = {
  [Field in keyof Resource]?: undefined extends Resource[Field]
    ? PatchOf<NonNullable<Resource[Field]>> | null
    : PatchOf<Resource[Field]>;
};
type PatchOf<Value> = Value extends readonly unknown[] ? Value : Value extends object ? MergePatch<Value> : Value;

/** The schema of a merge patch, derived from the schema of what it patches. */
export function mergePatchOf<Properties extends TProperties>(
  resource: TObject<Properties>,
  title: string,
): TUnsafe<MergePatch<Static<TObject<Properties>>>> {
  const properties: TProperties = {};
  for (const [field, schema] of Object.entries(resource.properties)) properties[field] = patchField(schema);
  return Type.Unsafe(Type.Object(properties, { title, additionalProperties: false }));
}

function patchField(schema: TSchema): TSchema {
  const patch = Type.IsObject(schema) ? mergePatchOf(schema, `${titleOf(schema)}Patch`) : schema;
  return Type.Optional(Type.IsOptional(schema) ? Type.Union([patch, Type.Null()]) : patch);
}

const titleOf = (schema: TSchema): string => ('title' in schema ? String(schema.title) : '');

const isPlainObject = (value: unknown): value is PlainObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function merge(target: unknown, patch: unknown): unknown {
  if (!isPlainObject(patch)) return patch;
  // A map, since assigning to a field named __proto__ would not make a field.
  const result = new Map(Object.entries(isPlainObject(target) ? target : {}));
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) result.delete(field);
    else result.set(field, merge(result.get(field), value));
  }
  return Object.fromEntries(result);
}

/** The resource with the patch applied. The schemas of both make the result as valid as they are. */
export const applyMergePatch = <Resource extends object>(
  resource: Resource,
  patch: NoInfer<MergePatch<Resource>>,
): Resource => merge(resource, patch) as Resource;
