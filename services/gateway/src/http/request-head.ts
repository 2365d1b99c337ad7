/** Writes the head of a request to an instance. */

/** The head cannot be written so that an instance reads what was meant. */
export class UnsendableRequest extends Error {
  override readonly name = 'UnsendableRequest';
}

/** What follows a head: this many bytes, a chunked body, or nothing. */
export type BodyLength = number | 'chunked' | undefined;

const INVALID_IN_PATH = /[^\x21-\x7e\x80-\xff]/;
const INVALID_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
/** These methods state the length even of an empty body. */
const METHODS_WITH_BODY = new Set(['POST', 'PUT', 'PATCH']);

/**
 * Writes the head of a request. `headers` is a flat list of lower-case names and values. A `host` in it replaces the
 * instance's own host.
 * @throws UnsendableRequest
 */
export function serializeRequestHead(
  { method, path, host }: { method: string; path: string; host: string },
  headers: readonly string[],
  length: BodyLength,
): string {
  if (path === '' || INVALID_IN_PATH.test(path)) throw new UnsendableRequest('the path');
  let lines = '';
  let values = '';
  let hostLine = `host: ${host}\r\n`;
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] ?? '';
    const value = headers[index + 1] ?? '';
    if (name === 'host') hostLine = '';
    values += value;
    lines += `${name}: ${value}\r\n`;
  }
  // One test of all values is cheaper than one for each. Names come from the parser, or from a checked file.
  if (INVALID_IN_VALUE.test(values)) throw new UnsendableRequest('a header');
  return `${method} ${path} HTTP/1.1\r\n${hostLine}connection: keep-alive\r\n${lines}${framingLine(method, length)}\r\n`;
}

/** Writes the head of a GET or HEAD without a body, from existing header lines. */
export const serializePlainRequestHead = (
  { method, path, host }: { method: string; path: string; host: string },
  lines: string,
): string => `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: keep-alive\r\n${lines}\r\n`;

function framingLine(method: string, length: BodyLength): string {
  if (length === 'chunked') return 'transfer-encoding: chunked\r\n';
  if (length !== undefined) return `content-length: ${length}\r\n`;
  return METHODS_WITH_BODY.has(method) ? 'content-length: 0\r\n' : '';
}
