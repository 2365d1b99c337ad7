import { type Static, type TObject, type TProperties, type TUnsafe, Type } from 'typebox';

/** What RFC 7396 allows for a resource: any field may be left out, an optional one may be set to null to remove it. */
export type MergePatch<Resource> = {
  [Field in keyof Resource]?: undefined extends Resource[Field] ? Resource[Field] | null : Resource[Field];
};

/** The schema of a merge patch, derived from the schema of what it patches. */
export function mergePatchOf<Properties extends TProperties>(
  resource: TObject<Properties>,
  title: string,
): TUnsafe<MergePatch<Static<TObject<Properties>>>> {
  const properties: TProperties = {};
  for (const [field, schema] of Object.entries(resource.properties)) {
    properties[field] = Type.IsOptional(schema)
      ? Type.Optional(Type.Union([schema, Type.Null()]))
      : Type.Optional(schema);
  }
  return Type.Unsafe(Type.Object(properties, { title, additionalProperties: false }));
}
