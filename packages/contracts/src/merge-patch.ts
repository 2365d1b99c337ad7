/** JSON merge patch, RFC 7396: its types, its schema and how to apply it. */
import { type Static, type TObject, type TProperties, type TSchema, type TUnsafe, Type } from 'typebox';

type PlainObject = { [key: string]: unknown };

/** Every field may be missing. Null removes an optional field; a nested object is patched recursively. */
export type MergePatch<Resource> = {
  [Field in keyof Resource]?: undefined extends Resource[Field]
    ? PatchOf<NonNullable<Resource[Field]>> | null
    : PatchOf<Resource[Field]>;
};
type PatchOf<Value> = Value extends readonly unknown[] ? Value : Value extends object ? MergePatch<Value> : Value;

/** Returns the schema of a merge patch, derived from the schema of the resource. */
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
  // A map, because assigning to a field named __proto__ would not create a field.
  const result = new Map(Object.entries(isPlainObject(target) ? target : {}));
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) result.delete(field);
    else result.set(field, merge(result.get(field), value));
  }
  return Object.fromEntries(result);
}

/** Returns the resource with the patch applied. The schemas of resource and patch keep the result as valid as both. */
export const applyMergePatch = <Resource extends object>(
  resource: Resource,
  patch: NoInfer<MergePatch<Resource>>,
): Resource => merge(resource, patch) as Resource;
