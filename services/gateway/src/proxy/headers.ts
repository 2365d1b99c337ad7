/** Changes the headers of forwarded requests and responses. */
import type { ClientRequest, HeadersMemo } from '../http/client-exchange.ts';
import { connectionOptionsIn, HOP_BY_HOP } from '../http/connection-headers.ts';
import type { Forwarding } from '../http/forwarded.ts';
import type { CredentialKind, ForwardedCredentials } from '../http/forwarded-credentials.ts';
import { withoutIdentityCookies } from '../http/identity-cookies.ts';

/**
 * Never forwarded from a client: the gateway's own headers, and the headers of other proxies about the client.
 * node:http has already handled `Expect`. The gateway writes `Content-Length` itself for a body.
 */
const STRIPPED_FROM_REQUESTS = new Set([
  ...HOP_BY_HOP,
  'content-length',
  'expect',
  'forwarded',
  'host',
  'remote-user',
  'traceparent',
  'x-real-ip',
  'x-remote-user',
  'x-request-id',
  'x-user',
]);
/** States to identity that no proxy is in front of this machine. Its demo accounts depend on it. */
const DIRECT_MARK = ['x-daybook-direct', '1'] as const;
const SPOOFABLE = /^x-(?:auth|daybook|forwarded|remote|user)-/;

/**
 * Recent names in their forwarded form, because clients repeat the same names. The value is empty for a name that is
 * not forwarded.
 */
const forwardedNames = new Map<string, string>();
const MAX_CACHED_NAMES = 500;

function forwardedNameOf(written: string): string {
  const known = forwardedNames.get(written);
  if (known !== undefined) return known;
  const name = written.toLowerCase();
  // Where headers become variables, `_` and `-` are the same.
  const normalized = name.replaceAll('_', '-');
  const forwardedName = STRIPPED_FROM_REQUESTS.has(normalized) || SPOOFABLE.test(normalized) ? '' : name;
  if (forwardedNames.size < MAX_CACHED_NAMES) forwardedNames.set(written, forwardedName);
  return forwardedName;
}

const STRIPPED_FROM_RESPONSES = new Set([...HOP_BY_HOP, 'x-request-id']);

/** Returns whether the headers make the service handle a repeated request only once. */
export const hasIdempotencyKey = (headers: readonly string[]): boolean => {
  for (let at = 0; at < headers.length; at += 2) if (headers[at] === 'idempotency-key') return headers[at + 1] !== '';
  return false;
};

/** The gateway's own information about a request. */
export interface GatewayFields {
  readonly requestId: string;
  readonly traceparent: string;
  readonly forwarding: Forwarding;
  readonly credentials: ForwardedCredentials;
}

/** Returns the headers for the service, without those of the body, as a flat list of names and values. */
export function forwardedRequestHeaders(
  request: ClientRequest,
  { requestId, traceparent, forwarding, credentials }: GatewayFields,
): string[] {
  const list = endToEndHeaders(request, credentials.kind);
  if (credentials.kind === 'replaced') list.push('authorization', credentials.authorization);
  list.push('x-request-id', requestId, 'traceparent', traceparent);
  addOrigin(list, request, forwarding, credentials.kind);
  return list;
}

/** Adds what the gateway knows about the origin of a request. Only identity, which gets all credentials, gets the mark. */
function addOrigin(list: string[], request: ClientRequest, forwarding: Forwarding, kind: CredentialKind): void {
  forwarding.addTo(list, request);
  if (kind === 'all' && forwarding.isDirect(request)) list.push(...DIRECT_MARK);
}

/** Returns the same headers as lines, for headers that may be copied unchanged. */
export function forwardedRequestLines(
  request: ClientRequest,
  memo: HeadersMemo,
  { requestId, traceparent, forwarding, credentials }: GatewayFields,
): string {
  const { kind } = credentials;
  memo.forwarded[kind] ??= memoizedLines(request, forwarding, kind);
  const added = credentials.kind === 'replaced' ? `authorization: ${credentials.authorization}\r\n` : '';
  return `${memo.forwarded[kind]}${added}x-request-id: ${requestId}\r\ntraceparent: ${traceparent}\r\n`;
}

/** Returns the lines that stay the same while the client repeats its headers. */
function memoizedLines(request: ClientRequest, forwarding: Forwarding, kind: CredentialKind): string {
  const list = endToEndHeaders(request, kind);
  addOrigin(list, request, forwarding, kind);
  // A concatenated text stays in pieces in the engine, which would join them for every request. The detour by bytes
  // joins them once.
  return Buffer.from(headerLines(list), 'latin1').toString('latin1');
}

function headerLines(list: readonly string[]): string {
  let lines = '';
  for (let index = 0; index < list.length; index += 2) lines += `${list[index]}: ${list[index + 1]}\r\n`;
  return lines;
}

function endToEndHeaders(request: ClientRequest, kind: CredentialKind): string[] {
  const { rawHeaders } = request;
  const list: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = forwardedNameOf(rawHeaders[index] ?? '');
    if (name === '' || (name === 'authorization' && kind === 'replaced')) continue;
    const value = rawHeaders[index + 1] ?? '';
    if (name !== 'cookie' || kind === 'all') list.push(name, value);
    else pushCookies(list, value);
  }
  return list;
}

function pushCookies(list: string[], value: string): void {
  const kept = withoutIdentityCookies(value);
  if (kept !== '') list.push('cookie', kept);
}

/** Adds the headers for the client from one flat list of names and values to another. */
export function forwardedResponseHeaders(
  headers: readonly string[],
  connection: string | undefined,
  requestId: string,
): string[] {
  const connectionOptions = connectionOptionsIn(connection);
  const list: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] ?? '';
    if (STRIPPED_FROM_RESPONSES.has(name) || connectionOptions?.has(name)) continue;
    list.push(name, headers[index + 1] ?? '');
  }
  list.push('x-request-id', requestId);
  return list;
}
