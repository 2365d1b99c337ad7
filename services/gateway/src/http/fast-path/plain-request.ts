/**
 * Reads requests that every parser reads in the same way (decision 23). Such a request is a GET or HEAD without a body.
 * It has no repeated header, no header about the connection, and no unusual syntax. Other requests may be valid, but
 * only node:http reads, awaits or rejects them.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isHost, isUnambiguous } from '../ambiguous-request.ts';
import type { ClientRequest, HeadersMemo } from '../client-exchange.ts';

/** Longer heads are rare, so they need not be cheap. Each connection stores one head. */
export const MAX_PLAIN_HEAD_LENGTH = 4 * 1024;
const END_OF_LINE = '\r\n';
const VERSION = ' HTTP/1.1';
const VISIBLE = /^[\x21-\x7e]+$/;
/** Excludes `_`, because some servers treat it as `-`. */
const NAME = /^[!#$%&'*+.^`|~0-9A-Za-z-]+$/;
const VALUE = /^[\t\x20-\x7e]*$/;
/** Headers that concern the connection or the body, and headers that node:http returns as a list. */
const NOT_PLAIN_HEADERS = new Set([
  'content-length',
  'expect',
  'http2-settings',
  'keep-alive',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
const PROXY_PREFIX = 'proxy-';

/** The headers of a plain request. They are cached because the next request on a connection often has the same ones. */
export class PlainHeaders implements HeadersMemo {
  /** As received, with the empty line at the end. */
  readonly text: string;
  readonly list: readonly string[];
  readonly byName: IncomingHttpHeaders;
  readonly forwarded: HeadersMemo['forwarded'] = { all: undefined, own: undefined, replaced: undefined };

  constructor(text: string, list: readonly string[], byName: IncomingHttpHeaders) {
    this.text = text;
    this.list = list;
    this.byName = byName;
  }
}

export class PlainRequest implements ClientRequest {
  readonly method: 'GET' | 'HEAD';
  readonly url: string;
  readonly memo: PlainHeaders;
  readonly socket: ClientRequest['socket'];

  constructor(method: 'GET' | 'HEAD', url: string, headers: PlainHeaders, socket: ClientRequest['socket']) {
    this.method = method;
    this.url = url;
    this.memo = headers;
    this.socket = socket;
  }

  get headers(): IncomingHttpHeaders {
    return this.memo.byName;
  }

  get rawHeaders(): readonly string[] {
    return this.memo.list;
  }
}

/**
 * Reads one plain request; `previous` holds the last headers on the connection. Returns undefined unless `text` is
 * exactly one whole plain request.
 */
export function readPlainRequest(
  text: string,
  socket: ClientRequest['socket'],
  previous: PlainHeaders | undefined,
): PlainRequest | undefined {
  const method = methodOf(text);
  if (method === undefined) return undefined;
  const endOfLine = text.indexOf(END_OF_LINE);
  const endOfUrl = endOfLine - VERSION.length;
  if (!text.startsWith(VERSION, endOfUrl)) return undefined;
  const url = text.slice(method.length + 1, endOfUrl);
  if (!VISIBLE.test(url) || !isUnambiguous(url)) return undefined;
  const rest = text.slice(endOfLine + END_OF_LINE.length);
  const headers = rest === previous?.text ? previous : readPlainHeaders(rest);
  return headers && new PlainRequest(method, url, headers, socket);
}

function methodOf(text: string): 'GET' | 'HEAD' | undefined {
  if (text.startsWith('GET ')) return 'GET';
  return text.startsWith('HEAD ') ? 'HEAD' : undefined;
}

function readPlainHeaders(text: string): PlainHeaders | undefined {
  const list: string[] = [];
  const byName: IncomingHttpHeaders = {};
  let start = 0;
  let end = text.indexOf(END_OF_LINE);
  for (; end > start; end = text.indexOf(END_OF_LINE, start)) {
    const colon = text.indexOf(':', start);
    if (colon === -1 || colon > end) return undefined;
    const written = text.slice(start, colon);
    const name = plainNameOf(written);
    const raw = text.slice(colon + 1, end);
    if (name === '' || !VALUE.test(raw) || byName[name] !== undefined) return undefined;
    const value = raw.trim();
    byName[name] = value;
    list.push(written, value);
    start = end + END_OF_LINE.length;
  }
  const isComplete = end === start && end + END_OF_LINE.length === text.length;
  return isComplete && isPlain(byName) ? new PlainHeaders(text, list, byName) : undefined;
}

function isPlain({ host, connection = 'keep-alive' }: IncomingHttpHeaders): boolean {
  return host !== undefined && isHost(host) && connection.toLowerCase() === 'keep-alive';
}

/** Recent names in lower case; the value is empty for names that are not plain. */
const names = new Map<string, string>();
const MAX_CACHED_NAMES = 500;

function plainNameOf(written: string): string {
  const known = names.get(written);
  if (known !== undefined) return known;
  const name = written.toLowerCase();
  const isPlain = NAME.test(name) && !NOT_PLAIN_HEADERS.has(name) && !name.startsWith(PROXY_PREFIX);
  const plainName = isPlain ? name : '';
  if (names.size < MAX_CACHED_NAMES) names.set(written, plainName);
  return plainName;
}
