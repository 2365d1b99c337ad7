import type { ServerResponse } from 'node:http';
import { problemOf, type Refusal } from '@daybook/contracts';
import { PROBLEM_JSON } from '@daybook/service';

export interface ProblemContext {
  /** Without the query. */
  path: string;
  requestId: string;
  traceId: string;
}

/** Answers with a problem document where there is no Fastify to do so. Who calls it ends the answer. */
export function writeProblem(response: ServerResponse, refusal: Refusal, context: ProblemContext): void {
  const problem = problemOf(refusal, context.path, context.traceId);
  const body = JSON.stringify(problem);
  const { retryAfterSeconds } = refusal.extras;
  response.writeHead(problem.status, {
    'content-type': PROBLEM_JSON,
    'content-length': Buffer.byteLength(body),
    'x-request-id': context.requestId,
    ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
  });
  response.write(body);
}
