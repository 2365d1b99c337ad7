import { problemOf, type Refusal } from '@daybook/contracts';
import { PROBLEM_JSON } from '@daybook/service';
import type { ClientAnswer } from './client.ts';
import { OWN_HEADERS } from './own-headers.ts';
import type { Passage } from './passage.ts';

export interface ProblemContext {
  /** Without the query. */
  path: string;
  requestId: string;
  traceId: string;
  /** Whose filters have a say in the headers. */
  passage?: Passage | undefined;
}

/** Answers with a problem document where there is no Fastify to do so. */
export function writeProblem(
  answer: Pick<ClientAnswer, 'begin' | 'end'>,
  refusal: Refusal,
  context: ProblemContext,
): void {
  const problem = problemOf(refusal, context.path, context.traceId);
  const body = Buffer.from(JSON.stringify(problem));
  const { retryAfterSeconds } = refusal.extras;
  const headers = [...OWN_HEADERS, 'content-type', PROBLEM_JSON, 'content-length', String(body.length)];
  headers.push('x-request-id', context.requestId);
  if (retryAfterSeconds !== undefined) headers.push('retry-after', String(retryAfterSeconds));
  answer.begin(context.passage?.answer(problem.status, headers, false) ?? problem.status, headers);
  answer.end(body);
}
