/** A document of unknown shape. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

export const isRecord = (json: Json | undefined): json is { readonly [name: string]: Json } =>
  typeof json === 'object' && json !== null && !Array.isArray(json);

/** Returns the value at a path of names; undefined when one of them does not exist. */
export function at(json: Json | undefined, ...path: readonly string[]): Json | undefined {
  let here = json;
  for (const name of path) here = isRecord(here) ? here[name] : undefined;
  return here;
}

export const items = (json: Json | undefined): readonly Json[] => (Array.isArray(json) ? json : []);

export const textAt = (json: Json | undefined, ...path: readonly string[]): string | undefined => {
  const found = at(json, ...path);
  return typeof found === 'string' ? found : undefined;
};

export const numberAt = (json: Json | undefined, ...path: readonly string[]): number | undefined => {
  const found = at(json, ...path);
  return typeof found === 'number' ? found : undefined;
};

/** Returns the entries of an object that are text: labels, for example. */
export const textsAt = (json: Json | undefined, ...path: readonly string[]): Readonly<Record<string, string>> => {
  const found = at(json, ...path);
  if (!isRecord(found)) return {};
  return Object.fromEntries(
    Object.entries(found).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
};

/** Yields every text in a document, with its path. */
export function* textsIn(json: Json, path = ''): Generator<readonly [path: string, text: string]> {
  if (typeof json === 'string') yield [path, json];
  else if (Array.isArray(json)) for (const [index, item] of json.entries()) yield* textsIn(item, `${path}/${index}`);
  else if (isRecord(json)) for (const [name, value] of Object.entries(json)) yield* textsIn(value, `${path}/${name}`);
}
