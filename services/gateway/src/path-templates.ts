/** Paths in which `{name}` stands for one segment, and `/**` at the end for everything below. */

export const TEMPLATE = '^(?:/(?:[A-Za-z0-9._~-]+|\\{[a-z][A-Za-z0-9]*\\}))+(?:/\\*\\*)?$';
export const BELOW = '/**';

/** What the names of a template stand for in a path; `rest` is what `/**` stands for, with its slash. */
export interface PathParts {
  readonly segments: ReadonlyMap<string, string>;
  readonly rest: string;
}

export const isTemplate = (path: string): boolean => path.includes('{');

export const namesIn = (template: string): string[] =>
  [...template.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);

/** Reads paths by a template: undefined for one that it does not fit. */
export function compileTemplate(template: string): (path: string) => PathParts | undefined {
  const open = template.endsWith(BELOW);
  const wanted = template.slice(1, open ? -BELOW.length : undefined).split('/');
  return (path) => {
    const segments = new Map<string, string>();
    let start = 0;
    for (const part of wanted) {
      if (path.charCodeAt(start) !== SLASH) return undefined;
      const next = path.indexOf('/', start + 1);
      const end = next === -1 ? path.length : next;
      const segment = path.slice(start + 1, end);
      if (part.startsWith('{')) {
        if (segment === '') return undefined;
        segments.set(part.slice(1, -1), segment);
      } else if (part !== segment) {
        return undefined;
      }
      start = end;
    }
    const rest = path.slice(start);
    return open || rest === '' ? { segments, rest } : undefined;
  };
}

const SLASH = '/'.charCodeAt(0);

/** Writes paths by a template. */
export function compileWriter(template: string): (parts: PathParts) => string {
  const open = template.endsWith(BELOW);
  const pieces = template
    .slice(0, open ? -BELOW.length : undefined)
    .split(/(\{\w+\})/)
    .map((text) => ({ text, name: text.startsWith('{') ? text.slice(1, -1) : undefined }));
  return ({ segments, rest }) => {
    let path = '';
    for (const { text, name } of pieces) path += name === undefined ? text : (segments.get(name) ?? '');
    return open ? path + rest : path;
  };
}
