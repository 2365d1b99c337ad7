/** Reads and writes paths by templates. `{name}` stands for one segment, and `/**` at the end for everything below. */
import { Type } from 'typebox';

export const PATH_TEMPLATE = '^(?:/(?:[A-Za-z0-9._~-]+|\\{[a-z][A-Za-z0-9]*\\}))+(?:/\\*\\*)?$';
export const SUBTREE = '/**';

/** The paths of one route. */
export const PATHS = Type.Array(Type.String({ pattern: PATH_TEMPLATE, maxLength: 500 }), {
  minItems: 1,
  maxItems: 100,
  uniqueItems: true,
});

/** The segments that match the names of a template. `rest` is what `/**` matches, with its slash. */
export interface PathMatch {
  readonly params: ReadonlyMap<string, string>;
  readonly rest: string;
}

export const isTemplate = (path: string): boolean => path.includes('{');

export const paramNamesIn = (template: string): string[] =>
  [...template.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);

/** Compiles a template to a reader of paths. It returns undefined for a path that does not match. */
export function compileTemplate(template: string): (path: string) => PathMatch | undefined {
  const hasSubtree = template.endsWith(SUBTREE);
  const expected = template.slice(1, hasSubtree ? -SUBTREE.length : undefined).split('/');
  return (path) => {
    const params = new Map<string, string>();
    let start = 0;
    for (const part of expected) {
      if (path.charCodeAt(start) !== SLASH) return undefined;
      const next = path.indexOf('/', start + 1);
      const end = next === -1 ? path.length : next;
      const segment = path.slice(start + 1, end);
      if (part.startsWith('{')) {
        if (segment === '') return undefined;
        params.set(part.slice(1, -1), segment);
      } else if (part !== segment) {
        return undefined;
      }
      start = end;
    }
    const rest = path.slice(start);
    return hasSubtree || rest === '' ? { params, rest } : undefined;
  };
}

const SLASH = '/'.charCodeAt(0);

/** Compiles a template to a writer of paths. */
export function compilePathBuilder(template: string): (parts: PathMatch) => string {
  const hasSubtree = template.endsWith(SUBTREE);
  const pieces = template
    .slice(0, hasSubtree ? -SUBTREE.length : undefined)
    .split(/(\{\w+\})/)
    .map((text) => ({ text, name: text.startsWith('{') ? text.slice(1, -1) : undefined }));
  return ({ params, rest }) => {
    let path = '';
    for (const { text, name } of pieces) path += name === undefined ? text : (params.get(name) ?? '');
    return hasSubtree ? path + rest : path;
  };
}
