/** What a proxy changes in the headers that it passes on. */
import type { ClientRequest, HeadersMemo } from '../http/client-exchange.ts';
import type { Forwarding } from './forwarded.ts';

/** They speak of one connection, not of the message (RFC 9110, 7.6.1). */
export const HOP_BY_HOP = [
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/**
 * Never taken from a client: what the gateway itself says of a request, and what proxies elsewhere use to say who asks.
 * `Expect` was answered by node:http already, `Content-Length` is written anew when there is a body.
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
const SPOOFABLE = /^x-(?:auth|daybook|forwarded|remote|user)-/;

/** The names that came lately, as they are passed on: clients send the same ones again and again. Empty for never. */
const forwardedNames = new Map<string, string>();
const MAX_CACHED_NAMES = 500;

function forwardedNameOf(written: string): string {
  const known = forwardedNames.get(written);
  if (known !== undefined) return known;
  const name = written.toLowerCase();
  // Where headers become variables, `_` and `-` are one.
  const normalized = name.replaceAll('_', '-');
  const forwardedName = STRIPPED_FROM_REQUESTS.has(normalized) || SPOOFABLE.test(normalized) ? '' : name;
  if (forwardedNames.size < MAX_CACHED_NAMES) forwardedNames.set(written, forwardedName);
  return forwardedName;
}

const STRIPPED_FROM_RESPONSES = new Set([...HOP_BY_HOP, 'x-request-id']);

const CONNECTION_OPTIONS = new Set([...HOP_BY_HOP, 'close', '']);

/**
 * Returns whether `Connection` names a header that is meant for the service (RFC 9110, 7.6.1). To remove that header would
 * make the service do something else than the gateway decides on: an Idempotency-Key lets it send a request twice.
 */
export function namesEndToEnd(connection: string | undefined): boolean {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return false;
  return connection.split(',').some((option) => !CONNECTION_OPTIONS.has(option.trim().toLowerCase()));
}

/** The further headers that `Connection` of a service says are for one connection only. */
function connectionOptionsIn(connection: string | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return undefined;
  return new Set(connection.split(',').map((name) => name.trim().toLowerCase()));
}

/** Returns whether headers that are sent to a service let it do once what it is sent twice. */
export const hasIdempotencyKey = (headers: readonly string[]): boolean => {
  for (let at = 0; at < headers.length; at += 2) if (headers[at] === 'idempotency-key') return headers[at + 1] !== '';
  return false;
};

/** What the gateway says of a request. */
export interface GatewayFields {
  readonly requestId: string;
  readonly traceparent: string;
  readonly forwarding: Forwarding;
}

/** The headers for the service but for those of its body, as a flat list of names and values. */
export function forwardedRequestHeaders(
  request: ClientRequest,
  { requestId, traceparent, forwarding }: GatewayFields,
): string[] {
  const list = endToEndHeaders(request);
  list.push('x-request-id', requestId, 'traceparent', traceparent);
  forwarding.addTo(list, request);
  return list;
}

/** The same as lines, for headers that may be written as they came. */
export function forwardedRequestLines(
  request: ClientRequest,
  memo: HeadersMemo,
  { requestId, traceparent, forwarding }: GatewayFields,
): string {
  memo.forwarded ??= memoizedLines(request, forwarding);
  return `${memo.forwarded}x-request-id: ${requestId}\r\ntraceparent: ${traceparent}\r\n`;
}

/** What does not change as long as the client sends the same. */
function memoizedLines(request: ClientRequest, forwarding: Forwarding): string {
  const list = endToEndHeaders(request);
  forwarding.addTo(list, request);
  // Through bytes: a text that was put together stays pieces inside, which would be put together for every request.
  return Buffer.from(headerLines(list), 'latin1').toString('latin1');
}

function headerLines(list: readonly string[]): string {
  let lines = '';
  for (let index = 0; index < list.length; index += 2) lines += `${list[index]}: ${list[index + 1]}\r\n`;
  return lines;
}

function endToEndHeaders(request: ClientRequest): string[] {
  const { rawHeaders } = request;
  const list: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = forwardedNameOf(rawHeaders[index] ?? '');
    if (name === '') continue;
    list.push(name, rawHeaders[index + 1] ?? '');
  }
  return list;
}

/** The headers for the client, out of a flat list of names and values into another one. */
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
