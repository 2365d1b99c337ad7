import type { OutgoingHttpHeader, ServerResponse } from 'node:http';
import { problemOf, type Refusal } from '@daybook/contracts';
import { PROBLEM_JSON } from '@daybook/service';
import type { Passage } from './passage.ts';

export interface ProblemContext {
  /** Without the query. */
  path: string;
  requestId: string;
  traceId: string;
  /** Whose filters have a say in the headers. */
  passage?: Passage | undefined;
}

/** Answers with a problem document where there is no Fastify to do so. Who calls it ends the answer. */
export function writeProblem(response: ServerResponse, refusal: Refusal, context: ProblemContext): void {
  const problem = problemOf(refusal, context.path, context.traceId);
  const body = JSON.stringify(problem);
  const { retryAfterSeconds } = refusal.extras;
  const headers: OutgoingHttpHeader[] = [
    'content-type',
    PROBLEM_JSON,
    'content-length',
    String(Buffer.byteLength(body)),
  ];
  headers.push('x-request-id', context.requestId);
  if (retryAfterSeconds !== undefined) headers.push('retry-after', String(retryAfterSeconds));
  response.writeHead(context.passage?.answer(problem.status, headers, false) ?? problem.status, headers);
  response.write(body);
}
