/** What a proxy changes in the headers that it passes on. */
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeader } from 'node:http';
import type { TLSSocket } from 'node:tls';

/** They speak of one connection, not of the message (RFC 9110, 7.6.1). */
const HOP_BY_HOP = [
  'connection',
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
const NOT_FROM_A_CLIENT = new Set([
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
const FORGED = /^x-(?:auth|daybook|forwarded|remote|user)-/;

const NOT_FROM_A_SERVICE = new Set([...HOP_BY_HOP, 'x-request-id']);

/** The further headers that `Connection` says are for one connection only. */
function namedIn(connection: string | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return undefined;
  return new Set(connection.split(',').map((name) => name.trim().toLowerCase()));
}

/** What the gateway says of a request. */
export interface RequestMarks {
  readonly requestId: string;
  readonly traceparent: string;
  readonly hasBody: boolean;
}

/** The headers for the service, as a flat list of names and values: undici takes these without a copy. */
export function forwardedHeaders(
  request: IncomingMessage,
  { requestId, traceparent, hasBody }: RequestMarks,
): string[] {
  const { headers, socket } = request;
  const named = namedIn(headers.connection);
  const list: string[] = [];
  for (const name in headers) {
    if (NOT_FROM_A_CLIENT.has(name) || named?.has(name) || FORGED.test(name)) continue;
    add(list, name, headers[name]);
  }
  if (hasBody) add(list, 'content-length', headers['content-length']);
  list.push('x-request-id', requestId, 'traceparent', traceparent);
  // Trusted proxies in front of this one will be named here; until then only the socket is believed.
  add(list, 'x-forwarded-for', socket.remoteAddress);
  add(list, 'x-forwarded-host', headers.host);
  list.push('x-forwarded-proto', isEncrypted(socket) ? 'https' : 'http');
  return list;
}

/** The headers for the client, as a flat list that node:http takes. */
export function answeredHeaders(headers: IncomingHttpHeaders, requestId: string): OutgoingHttpHeader[] {
  const named = namedIn(headers.connection);
  const list: OutgoingHttpHeader[] = [];
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || NOT_FROM_A_SERVICE.has(name) || named?.has(name)) continue;
    list.push(name, value);
  }
  list.push('x-request-id', requestId);
  return list;
}

function add(list: string[], name: string, value: string | string[] | undefined): void {
  if (typeof value === 'string') list.push(name, value);
  else if (value !== undefined) for (const one of value) list.push(name, one);
}

const isEncrypted = (socket: IncomingMessage['socket'] & Partial<Pick<TLSSocket, 'encrypted'>>): boolean =>
  socket.encrypted === true;
