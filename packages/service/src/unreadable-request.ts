/** Requests that Node's parser refuses never become a request: they are answered on the socket. */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type Problem, problemOf, Refusal } from '@daybook/contracts';
import { traceOf } from './trace.ts';

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
      'Content-Type: application/problem+json; charset=utf-8\r\n' +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
