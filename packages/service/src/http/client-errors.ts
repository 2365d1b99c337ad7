/** Rejects requests that never reach a handler: bytes that Node's parser rejects, an unsupported `Expect`, CONNECT. */
import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Problem, problemOf, Refusal } from '@daybook/contracts';
import { traceOf } from '../observability/trace.ts';
import { guarded, ignoreError } from './connection-guard.ts';
import { closeLingering, isLingering } from './lingering-close.ts';
import { afterPendingResponses, isEnding, markEnding, responseDue } from './pending-responses.ts';
import { PROBLEM_JSON, requestTimeout } from './problem-handler.ts';
import { requestIdOf } from './request-id.ts';
import { headerLines, SAFE_HEADERS } from './safe-headers.ts';

const SAFE_LINES = headerLines(SAFE_HEADERS);

/** Returns a problem document, with its own status where the parser's error code has one. */
function problemFor(code: string): Problem {
  const traceId = traceOf(undefined).traceId;
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return problemOf(requestTimeout(), '/', traceId);
  const problem = problemOf(new Refusal('invalid-request', 'The request cannot be understood.'), '/', traceId);
  return code === 'HPE_HEADER_OVERFLOW' ? { ...problem, status: 431, detail: 'The headers are too large.' } : problem;
}

/** Handles `clientError`. Node repeats the event for each chunk after an unreadable one, so only the first counts. */
export function handleClientError(error: Error & { code?: string }, socket: Socket): void {
  if (rejected.has(socket)) return;
  rejected.add(socket);
  socket.on('error', ignoreError);
  rejectInOrder(error, socket);
}

const rejected = new WeakSet<Socket>();

function rejectInOrder(error: Error & { code?: string }, socket: Socket): void {
  // The last response is being sent.
  if (isLingering(socket)) return;
  const due = responseDue(socket);
  if (error.code === 'ECONNRESET' || !socket.writable) {
    // The client has disconnected.
    socket.destroy();
  } else if (due?.headersSent && !due.req.complete) {
    // The response has begun, so a second one would be unreadable.
    closeLingering(socket);
  } else if (due?.req.complete) {
    // The unreadable bytes came after a complete request. This response must not appear to belong to it.
    due.once(
      'close',
      guarded(socket, () => rejectInOrder(error, socket)),
    );
  } else {
    endWithProblem(problemFor(error.code ?? ''), randomUUID(), socket);
  }
}

/** Sends a problem document on a socket without a response object, and closes the socket. */
function endWithProblem(problem: Problem, requestId: string, socket: Socket): void {
  const body = JSON.stringify(problem);
  closeLingering(
    socket,
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n` +
      `Content-Type: ${PROBLEM_JSON}\r\nX-Request-Id: ${requestId}\r\n${SAFE_LINES}` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

/**
 * Rejects CONNECT, because Node would close the connection without a response. `stream` is not the socket while a body
 * is being read.
 */
export function rejectConnect(request: IncomingMessage, stream: Duplex): void {
  const { socket } = request;
  stream.on('error', ignoreError);
  afterPendingResponses(socket, stream !== socket, () => {
    if (isLingering(socket)) return;
    if (!socket.writable) {
      socket.destroy();
      return;
    }
    const { traceId } = traceOf(request.headers.traceparent);
    const problem = problemOf(new Refusal('invalid-request', 'This server opens no tunnels.'), '/', traceId);
    // If the body is unreadable, do not reject it a second time.
    rejected.add(socket);
    endWithProblem(problem, requestIdOf(request), socket);
  });
}

/** Handles `checkExpectation`, because Node's own 417 is not a problem document. */
export function rejectExpectation(request: IncomingMessage, response: ServerResponse): void {
  if (isEnding(request.socket)) return;
  // It is unknown whether a body or a request follows.
  markEnding(request.socket);
  const [path = '/'] = (request.url ?? '/').split('?', 1);
  const { traceId } = traceOf(request.headers.traceparent);
  const refusal = new Refusal('invalid-request', 'The Expect header is not supported here, except for 100-continue.');
  const body = JSON.stringify({ ...problemOf(refusal, path, traceId), status: 417 });
  response.writeHead(417, {
    ...SAFE_HEADERS,
    'content-type': PROBLEM_JSON,
    'content-length': Buffer.byteLength(body),
    'x-request-id': requestIdOf(request),
    connection: 'close',
  });
  response.end(body);
}
