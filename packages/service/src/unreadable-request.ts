/** What never reaches a handler: bytes that Node's parser refuses, an `Expect` that nobody here can meet, a tunnel. */
import { randomUUID } from 'node:crypto';
import { type IncomingMessage, ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Problem, problemOf, Refusal } from '@daybook/contracts';
import { PROBLEM_JSON, requestTimeout } from './problem-handler.ts';
import { requestIdOf } from './request-context.ts';
import { traceOf } from './trace.ts';

/** Time for the other side to take the answer and to close its half. */
const LINGER_MILLIS = 1_000;

/** As a problem document, with its own status where the parser's reason has one. */
function problemFor(code: string): Problem {
  const traceId = traceOf(undefined).traceId;
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return problemOf(requestTimeout(), '/', traceId);
  const problem = problemOf(new Refusal('invalid-request', 'The request cannot be understood.'), '/', traceId);
  return code === 'HPE_HEADER_OVERFLOW' ? { ...problem, status: 431, detail: 'The headers are too large.' } : problem;
}

/** The answer that is due next on a connection; Node knows it by this name, and offers no other way to ask. */
const answerDue = (socket: Socket): ServerResponse | undefined =>
  '_httpMessage' in socket && socket._httpMessage instanceof ServerResponse ? socket._httpMessage : undefined;

export function answerUnreadable(error: Error & { code?: string }, socket: Socket): void {
  const due = answerDue(socket);
  // The other side is gone, or the answer has begun: nothing that is written now would be understood.
  if (error.code === 'ECONNRESET' || !socket.writable || (due?.headersSent && !due.req.complete)) {
    socket.destroy();
  } else if (due?.req.complete) {
    // What cannot be read came after a whole request, of which this must not seem to be the answer.
    due.once('close', () => answerUnreadable(error, socket));
  } else {
    endWith(problemFor(error.code ?? ''), randomUUID(), socket);
  }
}

/** Answers where there is a socket and no response, and closes. */
function endWith(problem: Problem, requestId: string, socket: Duplex): void {
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n` +
      `Content-Type: ${PROBLEM_JSON}\r\nX-Request-Id: ${requestId}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
  destroySoon(socket);
}

/** An HTTP server lets the other side keep its half open, and no timeout of the server's watches this socket any more. */
function destroySoon(socket: Duplex): void {
  const timer = setTimeout(() => socket.destroy(), LINGER_MILLIS).unref();
  socket.once('close', () => clearTimeout(timer));
}

/** For `connect`: Node closes the connection without a word otherwise. */
export function refuseConnect(request: IncomingMessage, socket: Duplex): void {
  const { traceId } = traceOf(request.headers.traceparent);
  const problem = problemOf(new Refusal('invalid-request', 'There are no tunnels here.'), '/', traceId);
  endWith(problem, requestIdOf(request), socket);
}

/** For `checkExpectation`: Node's own 417 is not a problem document. */
export function refuseExpectation(request: IncomingMessage, response: ServerResponse): void {
  const [path = '/'] = (request.url ?? '/').split('?', 1);
  const { traceId } = traceOf(request.headers.traceparent);
  const refusal = new Refusal('invalid-request', 'The Expect header asks for what is not done here.');
  const body = JSON.stringify({ ...problemOf(refusal, path, traceId), status: 417 });
  response.writeHead(417, {
    'content-type': PROBLEM_JSON,
    'content-length': Buffer.byteLength(body),
    'x-request-id': requestIdOf(request),
    // Whether a body follows, nobody knows.
    connection: 'close',
  });
  response.end(body);
}
