const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENS = [0x5b, 0x7b];
const CLOSES = [0x5d, 0x7d];

/** The deepest nesting of JSON that services and registries accept. */
export const MOST_JSON_LEVELS = 32;

/**
 * Returns whether JSON text is nested more deeply than `most` levels. `JSON.parse` takes a hundred times as long for a
 * megabyte of brackets as for other data. It blocks all requests meanwhile. The count may be wrong for invalid JSON,
 * because `JSON.parse` rejects it anyway.
 */
export function isNestedTooDeeply(json: Buffer, most = MOST_JSON_LEVELS): boolean {
  let level = 0;
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at];
    if (byte === QUOTE) at = endOfString(json, at);
    else if (byte === OPENS[0] || byte === OPENS[1]) level += 1;
    else if (byte === CLOSES[0] || byte === CLOSES[1]) level -= 1;
    if (level > most) return true;
  }
  return false;
}

/** Returns the position of the closing quote of the string that begins at `start`, or the end of the text. */
function endOfString(json: Buffer, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1;
  return at;
}
