const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENS = [0x5b, 0x7b];
const CLOSES = [0x5d, 0x7d];

/** More than any body has that is sent to a service, or from one registry to another. */
export const MOST_JSON_LEVELS = 32;

/**
 * Returns whether arrays and objects in JSON text are nested more deeply than `most` levels. `JSON.parse` takes a hundred
 * times as long for a megabyte of brackets as for a megabyte of anything else, and blocks all requests meanwhile. What is
 * not JSON may be counted wrongly, because `JSON.parse` rejects it anyway.
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

/** Returns where the closing quote of the string is that begins at `start`, or the end of the text. */
function endOfString(json: Buffer, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1;
  return at;
}
