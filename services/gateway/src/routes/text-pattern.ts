/**
 * Defines the patterns in a file of routes. They are not regular expressions, because requests are hostile. Matching
 * takes time in proportion to the text.
 */
import { type Static, Type } from 'typebox';

/** Text in which `*` matches any text, including none. */
export const TextPattern = Type.String({ minLength: 1, maxLength: 200, pattern: '^[\\t\\x20-\\x7e]+$' });

/** Compiles a pattern to a test of texts. */
export function compileTextPattern(pattern: Static<typeof TextPattern>): (text: string) => boolean {
  const [head = '', ...rest] = pattern.split('*');
  const tail = rest.pop();
  if (tail === undefined) return (text) => text === pattern;
  const middle = rest.filter((part) => part !== '');
  return (text) => {
    const end = text.length - tail.length;
    if (end < head.length || !text.startsWith(head) || !text.endsWith(tail)) return false;
    let position = head.length;
    for (const part of middle) {
      const found = text.indexOf(part, position);
      if (found === -1 || found + part.length > end) return false;
      position = found + part.length;
    }
    return true;
  };
}

/** Names and their patterns: `{ "x-version": "2.*" }`. */
export const NamedPatterns = Type.Record(Type.String(), TextPattern, { minProperties: 1, maxProperties: 20 });

export const compileNamedPatterns = (patterns: Static<typeof NamedPatterns>) =>
  Object.entries(patterns).map(([name, pattern]) => ({ name, matches: compileTextPattern(pattern) }));
