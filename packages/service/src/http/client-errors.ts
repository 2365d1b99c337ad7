/** What never reaches a handler: bytes that Node's parser refuses, an `Expect` that nobody here can meet, a tunnel. */
import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Problem, problemOf, Refusal } from '@daybook/contracts';
import { closeLingering, isLingering } from '../lingering-close.ts';
import { traceOf } from '../observability/trace.ts';
import { guarded, ignoreError } from './connection-guard.ts';
import { afterPendingResponses, isEnding, markEnding, responseDue } from './pending-responses.ts';
import { PROBLEM_JSON, requestTimeout } from './problem-handler.ts';
import { requestIdOf } from './request-id.ts';
import { headerLines, SAFE_HEADERS } from './safe-headers.ts';

const SAFE_LINES = headerLines(SAFE_HEADERS);

/** As a problem document, with its own status where the parser's reason has one. */
function problemFor(code: string): Problem {
  const traceId = traceOf(undefined).traceId;
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return problemOf(requestTimeout(), '/', traceId);
  const problem = problemOf(new Refusal('invalid-request', 'The request cannot be understood.'), '/', traceId);
  return code === 'HPE_HEADER_OVERFLOW' ? { ...problem, status: 431, detail: 'The headers are too large.' } : problem;
}

/** For `clientError`. Node reports each piece of bytes that follows one that it cannot read: the first counts. */
export function handleClientError(error: Error & { code?: string }, socket: Socket): void {
  if (rejected.has(socket)) return;
  rejected.add(socket);
  socket.on('error', ignoreError);
  rejectInOrder(error, socket);
}

const rejected = new WeakSet<Socket>();

function rejectInOrder(error: Error & { code?: string }, socket: Socket): void {
  // The last response is on its way.
  if (isLingering(socket)) return;
  const due = responseDue(socket);
  if (error.code === 'ECONNRESET' || !socket.writable) {
    // The other side is gone.
    socket.destroy();
  } else if (due?.headersSent && !due.req.complete) {
    // The response to it has begun: nothing that is written now would be understood.
    closeLingering(socket);
  } else if (due?.req.complete) {
    // What cannot be read came after a whole request, of which this must not seem to be the response.
    due.once(
      'close',
      guarded(socket, () => rejectInOrder(error, socket)),
    );
  } else {
    endWithProblem(problemFor(error.code ?? ''), randomUUID(), socket);
  }
}

/** Answers where there is a socket and no response, and closes. */
function endWithProblem(problem: Problem, requestId: string, socket: Socket): void {
  const body = JSON.stringify(problem);
  closeLingering(
    socket,
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n` +
      `Content-Type: ${PROBLEM_JSON}\r\nX-Request-Id: ${requestId}\r\n${SAFE_LINES}` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

/** For `connect`: Node closes the connection without a response otherwise. `stream` is not the socket while a body is read. */
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
    const problem = problemOf(new Refusal('invalid-request', 'There are no tunnels here.'), '/', traceId);
    // A body that cannot be read is not refused once more.
    rejected.add(socket);
    endWithProblem(problem, requestIdOf(request), socket);
  });
}

/** For `checkExpectation`: Node's own 417 is not a problem document. */
export function rejectExpectation(request: IncomingMessage, response: ServerResponse): void {
  if (isEnding(request.socket)) return;
  // Whether a body follows is not known, nor whether what follows is a request.
  markEnding(request.socket);
  const [path = '/'] = (request.url ?? '/').split('?', 1);
  const { traceId } = traceOf(request.headers.traceparent);
  const refusal = new Refusal('invalid-request', 'The Expect header asks for what is not done here.');
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
