/** Changes to a flat list of names and values, as undici and node:http take headers. Lists are short: they are searched. */

export function hasHeader(list: readonly unknown[], name: string): boolean {
  for (let at = 0; at < list.length; at += 2) if (list[at] === name) return true;
  return false;
}

/** Every value of it. */
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

/** `additions` is flat, too. */
export function addHeaders(list: unknown[], additions: readonly string[]): void {
  for (const text of additions) list.push(text);
}

/** In the place of every value that there was. */
export function setHeaders(list: unknown[], additions: readonly string[]): void {
  for (let at = 0; at < additions.length; at += 2) {
    const name = additions[at];
    if (name !== undefined) removeHeader(list, name);
  }
  addHeaders(list, additions);
}
