import { problemOf, type Refusal } from '@daybook/contracts';
import { PROBLEM_JSON } from '@daybook/service';
import type { FilterRun } from '../filters/chain.ts';
import type { ClientResponse } from '../http/client-exchange.ts';
import { LOCAL_RESPONSE_HEADERS } from './local-response-headers.ts';

export interface ProblemContext {
  /** Excludes the query. */
  path: string;
  requestId: string;
  traceId: string;
  /** The filters that may change the headers. */
  filterRun?: FilterRun | undefined;
}

/** Sends a problem document where Fastify is not involved. */
export function sendProblem(
  response: Pick<ClientResponse, 'writeHead' | 'end'>,
  refusal: Refusal,
  context: ProblemContext,
): void {
  const problem = problemOf(refusal, context.path, context.traceId);
  const body = Buffer.from(JSON.stringify(problem));
  const { retryAfterSeconds } = refusal.extras;
  const headers = [...LOCAL_RESPONSE_HEADERS, 'content-type', PROBLEM_JSON, 'content-length', String(body.length)];
  headers.push('x-request-id', context.requestId);
  if (retryAfterSeconds !== undefined) headers.push('retry-after', String(retryAfterSeconds));
  response.writeHead(context.filterRun?.onResponse(problem.status, headers, false) ?? problem.status, headers);
  response.end(body);
}
