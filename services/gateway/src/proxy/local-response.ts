/** Sends the gateway's own responses: refusals as problem documents, and the local responses of filters. */
import { problemOf, Refusal } from '@daybook/contracts';
import { BROWSER_HEADERS, flatHeaders, PROBLEM_JSON, SAFE_HEADERS, type Trace } from '@daybook/service';
import { SessionEnded } from '../authentication/authentication.ts';
import type { FilterRun } from '../filters/chain.ts';
import { type ClientRequest, type ClientResponse, pathOf } from '../http/client-exchange.ts';
import type { LocalResponse } from '../routes/filter.ts';
import type { Outcome } from './access-log.ts';

/** The security headers of the gateway's own responses, as a flat list of names and values. Services set their own. */
const SECURITY_HEADERS = flatHeaders({ ...SAFE_HEADERS, ...BROWSER_HEADERS });

type ResponseWriter = Pick<ClientResponse, 'writeHead' | 'end'>;

/** The request that the gateway responds to itself. */
export interface LocalResponseContext {
  readonly request: ClientRequest;
  readonly requestId: string;
  readonly trace: Trace;
  /** The filters that may change the response. */
  readonly filterRun?: FilterRun | undefined;
}

/** Returns the outcome of a request that the gateway or a filter responds to before an instance is selected. */
export const localOutcomeOf = (local: Refusal | LocalResponse): Outcome =>
  local instanceof Refusal ? 'refused' : 'local-response';

/** Sends a refusal, or the response of a filter. Fastify is not involved. */
export function sendLocalResponse(
  response: ResponseWriter,
  local: Refusal | LocalResponse,
  context: LocalResponseContext,
): void {
  if (local instanceof Refusal) sendProblem(response, local, context);
  else {
    const headers = [...SECURITY_HEADERS, ...local.headers, 'x-request-id', context.requestId];
    writeHead(response, local.status, headers, context);
    response.end();
  }
}

function sendProblem(response: ResponseWriter, refusal: Refusal, context: LocalResponseContext): void {
  const problem = problemOf(refusal, pathOf(context.request), context.trace.traceId);
  const body = Buffer.from(JSON.stringify(problem));
  const { retryAfterSeconds, challenge } = refusal.extras;
  const headers = [...SECURITY_HEADERS, 'content-type', PROBLEM_JSON, 'content-length', String(body.length)];
  headers.push('x-request-id', context.requestId);
  if (retryAfterSeconds !== undefined) headers.push('retry-after', String(retryAfterSeconds));
  if (challenge !== undefined) headers.push('www-authenticate', challenge);
  if (refusal instanceof SessionEnded) headers.push('set-cookie', refusal.setCookie);
  writeHead(response, problem.status, headers, context);
  response.end(body);
}

function writeHead(
  response: ResponseWriter,
  status: number,
  headers: string[],
  { filterRun }: LocalResponseContext,
): void {
  response.writeHead(filterRun?.onResponse(status, headers, false) ?? status, headers);
}
