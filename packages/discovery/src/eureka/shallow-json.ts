/** Deeper than any document of a registry. */
const MAX_DEPTH = 100;
const [QUOTE, BACKSLASH, OPEN_LIST, OPEN_OBJECT, CLOSE_LIST, CLOSE_OBJECT] = Buffer.from('"\\[{]}');

export class InvalidJson extends Error {
  override readonly name = 'UnusableJson';
}

/**
 * Parses untrusted JSON. The depth is checked first, because sixteen megabytes of `[` would take seconds and a
 * gigabyte. The error message never quotes the text.
 */
export function parseJson(text: string): unknown {
  if (isTooDeep(text)) throw new InvalidJson('too deep');
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidJson('not JSON');
  }
}

function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charCodeAt(index);
    if (character === QUOTE) index = endOfString(text, index);
    else if (character === OPEN_LIST || character === OPEN_OBJECT) depth += 1;
    else if (character === CLOSE_LIST || character === CLOSE_OBJECT) depth -= 1;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}

/** Returns the end of the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end === -1 ? text.length : end;
}

function isEscaped(text: string, quote: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(quote - 1 - backslashes) === BACKSLASH) backslashes += 1;
  return backslashes % 2 === 1;
}
