/**
 * Requests that a service could take for another one than the gateway does: they go nowhere. A route that allows less than the
 * one beside it would be no limit otherwise (`/a/%65xport` is `/a/export` to a service, and is not to the table of routes).
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
import { namesEndToEnd } from './headers.ts';
import { endAnswer } from './node-answer.ts';
import { pathOf } from './route-table.ts';

export interface Unclear {
  readonly status: 400 | 501 | 505;
  readonly detail: string;
}

/** Most paths: segments of which none is empty or begins with a dot, and nothing that is encoded. */
const PLAIN = /^(?:\/[\w~-][\w.~-]*)+$/;
/**
 * A backslash, an empty segment, one of dots; encoded: control characters, what need not be encoded, slashes, backslashes,
 * what is encoded again, nothing.
 */
const TWO_READINGS =
  /\\|\/\/|\/\.{1,2}(?:[/;]|$)|%(?:[01][\da-f]|2[def]|3\d|[46][1-9a-f]|5[\dacf]|7[\daef]|25[\da-f]{2}|(?![\da-f]{2}))/i;
const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i;

const VERSION: Unclear = { status: 505, detail: 'Only HTTP/1.1 and HTTP/1.0 are spoken here.' };
const CODING: Unclear = { status: 501, detail: 'The only Transfer-Encoding that is read here is chunked.' };
const OLD_CODING: Unclear = { status: 400, detail: 'HTTP/1.0 has no Transfer-Encoding.' };
const SEVERAL_HOSTS: Unclear = { status: 400, detail: 'There is more than one Host header.' };
const NO_HOST: Unclear = { status: 400, detail: 'The Host header is no host.' };
const CONNECTION: Unclear = {
  status: 400,
  detail: 'Connection names a header that is for the service; only headers for one connection may be named there.',
};
const TARGET: Unclear = { status: 400, detail: 'The path can be read in more than one way.' };
const AFTER_THE_END: Unclear = { status: 400, detail: 'A request before this one ended the connection.' };

/** Of a WebSocket handshake that Node did not hand over. What follows it may be frames, and is not read as requests. */
export const HANDSHAKE_OUT_OF_TURN: Unclear = {
  status: 400,
  detail: 'A WebSocket handshake must have no body, and must wait for the responses to the requests before it.',
};

/** What is wrong with a request that the parser let through; undefined for nothing. Asked for every request. */
export function unclearIn(request: IncomingMessage): Unclear | undefined {
  const { headers, httpVersion, rawHeaders, socket, url = '/' } = request;
  if (isEnding(socket)) return AFTER_THE_END;
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return VERSION;
  const coding = headers['transfer-encoding'];
  if (coding !== undefined) {
    if (coding.toLowerCase() !== 'chunked') return CODING;
    if (httpVersion === '1.0') return OLD_CODING;
  }
  if (headers.host !== undefined) {
    if (!isHost(headers.host)) return NO_HOST;
    if (hasSeveralHosts(rawHeaders)) return SEVERAL_HOSTS;
  }
  if (namesEndToEnd(headers.connection)) return CONNECTION;
  return isClear(url) ? undefined : TARGET;
}

/** Whether a value is a host, with or without a port. */
export const isHost = (text: string): boolean => HOST.test(text);

/** Node keeps the first, a service perhaps the last. */
function hasSeveralHosts(rawHeaders: readonly string[]): boolean {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === 'host') count += 1;
  }
  return count > 1;
}

/** Whether the target of a request can be read in one way only. */
export function isClear(url: string): boolean {
  // Fragments are for browsers; a service may take one for a query.
  if (url.includes('#')) return false;
  const end = url.indexOf('?');
  const path = end === -1 ? url : url.slice(0, end);
  return PLAIN.test(path) || (path.startsWith('/') && !TWO_READINGS.test(path) && isDecodable(path));
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

/** Answers, and ends the connection. */
export function refuseUnclear(unclear: Unclear, request: IncomingMessage, response: ServerResponse): void {
  if (unclear === AFTER_THE_END) return;
  markEnding(request.socket);
  // The parser may refuse what came with it, and writes a response then: only one of the two can.
  setImmediate(guarded(request.socket, () => endWithProblem(unclear, request, response)));
}

function endWithProblem({ status, detail }: Unclear, request: IncomingMessage, response: ServerResponse): void {
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
  endAnswer(request, response);
}
