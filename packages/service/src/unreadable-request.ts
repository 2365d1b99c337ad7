/** What never reaches a handler: bytes that Node's parser refuses, and an `Expect` that nobody here can meet. */
import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type Problem, problemOf, Refusal } from '@daybook/contracts';
import { PROBLEM_JSON } from './problem-handler.ts';
import { requestIdOf } from './request-context.ts';
import { traceOf } from './trace.ts';

/** Time for the other side to take the answer and to close its half. */
const LINGER_MILLIS = 1_000;

/** As a problem document with its own status where the parser's reason has one. */
function problemFor(code: string): Problem {
  const traceId = traceOf(undefined).traceId;
  const problem = problemOf(new Refusal('invalid-request', 'The request cannot be understood.'), '/', traceId);
  if (code === 'HPE_HEADER_OVERFLOW') return { ...problem, status: 431, detail: 'The headers are too large.' };
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return { ...problem, status: 408, detail: 'The request did not come in time.' };
  return problem;
}

export function answerUnreadable(error: Error & { code?: string }, socket: Socket): void {
  // The other side is gone, or an answer is under way: nothing that is written now would be understood.
  if (error.code === 'ECONNRESET' || !socket.writable || socket.bytesWritten > 0) {
    socket.destroy();
    return;
  }
  const problem = problemFor(error.code ?? '');
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n` +
      `Content-Type: ${PROBLEM_JSON}\r\nX-Request-Id: ${randomUUID()}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
  destroySoon(socket);
}

/** An HTTP server lets the other side keep its half open, and no timeout of the server's watches this socket any more. */
function destroySoon(socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), LINGER_MILLIS).unref();
  socket.once('close', () => clearTimeout(timer));
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
