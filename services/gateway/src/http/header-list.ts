/**
 * Changes a flat list of header names and values, the format of undici and node:http. Lists are short, so a linear
 * search suffices.
 */

export function hasHeader(list: readonly unknown[], name: string): boolean {
  for (let at = 0; at < list.length; at += 2) if (list[at] === name) return true;
  return false;
}

/** Removes every value of a header. */
export function removeHeader(list: unknown[], name: string): void {
  let end = 0;
  for (let at = 0; at < list.length; at += 2) {
    if (list[at] === name) continue;
    if (end !== at) {
      list[end] = list[at];
      list[end + 1] = list[at + 1];
    }
    end += 2;
  }
  list.length = end;
}

export function removeHeaders(list: unknown[], names: readonly string[]): void {
  for (const name of names) removeHeader(list, name);
}

/** Appends a flat list of names and values. */
export function addHeaders(list: unknown[], additions: readonly string[]): void {
  for (const text of additions) list.push(text);
}

/** Replaces every existing value of the added names. */
export function setHeaders(list: unknown[], additions: readonly string[]): void {
  for (let at = 0; at < additions.length; at += 2) {
    const name = additions[at];
    if (name !== undefined) removeHeader(list, name);
  }
  addHeaders(list, additions);
}
