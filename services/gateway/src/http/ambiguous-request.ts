/**
 * Detects requests that a service could read differently from the gateway; they are not forwarded. Otherwise a client
 * could bypass a stricter route: `/a/%65xport` is `/a/export` to a service, but not to the route table.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { problemOf, Refusal } from '@daybook/contracts';
import {
  BROWSER_HEADERS,
  guarded,
  isEnding,
  markEnding,
  PROBLEM_JSON,
  requestIdOf,
  SAFE_HEADERS,
  traceOf,
} from '@daybook/service';
import { pathOf } from './client-exchange.ts';
import { namesEndToEnd } from './connection-headers.ts';
import { endResponse } from './node-response.ts';

export interface Ambiguity {
  readonly status: 400 | 501 | 505;
  readonly detail: string;
}

/** What a parser has read of a request. */
interface ReceivedHead extends Pick<IncomingMessage, 'headers' | 'httpVersion' | 'socket' | 'url'> {
  readonly rawHeaders: readonly string[];
}

/** Matches most paths: no segment is empty or begins with a dot, and nothing is percent-encoded. */
const PLAIN = /^(?:\/[\w~-][\w.~-]*)+$/;
/**
 * Matches a backslash, an empty segment, and a segment of dots. Also matches these encoded characters: control
 * characters, unreserved characters, slashes, backslashes, and a percent sign that begins another escape. Also matches
 * an incomplete escape.
 */
const AMBIGUOUS_PATH =
  /\\|\/\/|\/\.{1,2}(?:[/;]|$)|%(?:[01][\da-f]|2[def]|3\d|[46][1-9a-f]|5[\dacf]|7[\daef]|25[\da-f]{2}|(?![\da-f]{2}))/i;
const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i;

const UNSUPPORTED_VERSION: Ambiguity = { status: 505, detail: 'Only HTTP/1.1 and HTTP/1.0 are supported here.' };
const UNSUPPORTED_CODING: Ambiguity = {
  status: 501,
  detail: 'The only Transfer-Encoding that is supported here is chunked.',
};
const CODING_IN_HTTP_1_0: Ambiguity = { status: 400, detail: 'HTTP/1.0 has no Transfer-Encoding.' };
const MULTIPLE_HOSTS: Ambiguity = { status: 400, detail: 'There is more than one Host header.' };
const MULTIPLE_CREDENTIALS: Ambiguity = { status: 400, detail: 'There is more than one Authorization header.' };
const INVALID_HOST: Ambiguity = { status: 400, detail: 'The Host header is not a host.' };
const END_TO_END_IN_CONNECTION: Ambiguity = {
  status: 400,
  detail: 'Connection names a header that is for the service; only headers for one connection may be named there.',
};
const AMBIGUOUS_TARGET: Ambiguity = { status: 400, detail: 'The path can be read in more than one way.' };
const AFTER_CONNECTION_END: Ambiguity = { status: 400, detail: 'A request before this one ended the connection.' };

/**
 * For a WebSocket handshake that Node did not upgrade. The bytes after it may be frames, and are not read as requests.
 */
export const MISPLACED_HANDSHAKE: Ambiguity = {
  status: 400,
  detail: 'A WebSocket handshake must have no body, and must wait for the responses to the requests before it.',
};

/** Returns why a request that the parser accepted is ambiguous; undefined if it is not. Runs for every request. */
export function ambiguityIn(request: ReceivedHead): Ambiguity | undefined {
  const { headers, httpVersion, rawHeaders, socket, url = '/' } = request;
  if (isEnding(socket)) return AFTER_CONNECTION_END;
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return UNSUPPORTED_VERSION;
  const coding = headers['transfer-encoding'];
  if (coding !== undefined) {
    if (coding.toLowerCase() !== 'chunked') return UNSUPPORTED_CODING;
    if (httpVersion === '1.0') return CODING_IN_HTTP_1_0;
  }
  if (headers.host !== undefined) {
    if (!isHost(headers.host)) return INVALID_HOST;
    if (hasMultiple('host', rawHeaders)) return MULTIPLE_HOSTS;
  }
  if (headers.authorization !== undefined && hasMultiple('authorization', rawHeaders)) return MULTIPLE_CREDENTIALS;
  if (namesEndToEnd(headers.connection)) return END_TO_END_IN_CONNECTION;
  return isUnambiguous(url) ? undefined : AMBIGUOUS_TARGET;
}

/** Returns whether a value is a host, with or without a port. */
export const isHost = (text: string): boolean => HOST.test(text);

/** Returns whether `Host` occurs more than once. Node keeps the first value, a service perhaps the last. */
function hasMultiple(wanted: 'host' | 'authorization', rawHeaders: readonly string[]): boolean {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === wanted.length && name.toLowerCase() === wanted) count += 1;
  }
  return count > 1;
}

/** Returns whether the target of a request has only one reading. */
export function isUnambiguous(url: string): boolean {
  // Fragments are for browsers only. A service could read one as part of the query.
  if (url.includes('#')) return false;
  const end = url.indexOf('?');
  const path = end === -1 ? url : url.slice(0, end);
  return PLAIN.test(path) || (path.startsWith('/') && !AMBIGUOUS_PATH.test(path) && isDecodable(path));
}

function isDecodable(path: string): boolean {
  if (!path.includes('%')) return true;
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}

/** Rejects the request and ends the connection. */
export function refuseAmbiguous(ambiguity: Ambiguity, request: IncomingMessage, response: ServerResponse): void {
  if (ambiguity === AFTER_CONNECTION_END) return;
  markEnding(request.socket);
  // The parser may also reject the bytes after this request and write a response. Only one of the two responses can be
  // sent.
  setImmediate(guarded(request.socket, () => endWithProblem(ambiguity, request, response)));
}

function endWithProblem({ status, detail }: Ambiguity, request: IncomingMessage, response: ServerResponse): void {
  if (!request.socket.writable) return;
  const { traceId } = traceOf(request.headers.traceparent);
  const problem = { ...problemOf(new Refusal('invalid-request', detail), pathOf(request), traceId), status };
  const body = JSON.stringify(problem);
  response.shouldKeepAlive = false;
  response.writeHead(status, {
    ...SAFE_HEADERS,
    ...BROWSER_HEADERS,
    'content-type': PROBLEM_JSON,
    'content-length': Buffer.byteLength(body),
    'x-request-id': requestIdOf(request),
  });
  response.write(body);
  endResponse(request, response);
}
