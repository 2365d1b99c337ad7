/** What every request carries besides its content: its id, its trace, who asks. */
import type { IncomingMessage } from 'node:http';
import { type Caller, type ProblemCode, Refusal } from '@daybook/contracts';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { type Trace, traceOf } from '../observability/trace.ts';
import { crossSite, isCrossSite, isSafeMethod } from './cross-site.ts';
import { knownHostsOf, misdirected } from './known-hosts.ts';
import { isForOperators } from './operations.ts';
import { isEnding } from './pending-responses.ts';
import { checkQueryText } from './query-text.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks. */
    caller: Caller;
    trace: Trace;
    /** When it is answered that it took too long, as `performance.now()` counts. */
    deadline: number;
  }
  interface FastifyContextConfig {
    /** The refusals of this operation besides those that its shape implies; for the API document. */
    problems?: readonly ProblemCode[];
    /** Whether it answers with an ETag; for the API document. */
    versioned?: boolean;
  }
}

/** Everybody, until there is sign-in. */
export const ADMINISTRATOR: Caller = { id: 'administrator', role: 'administrator' };

const traces = new WeakMap<IncomingMessage, Trace>();

/** One trace a request: its log, which is made first, names the same as its answer. */
export function traceOfRequest(request: IncomingMessage): Trace {
  const known = traces.get(request);
  if (known) return known;
  const trace = traceOf(request.headers.traceparent);
  traces.set(request, trace);
  return trace;
}

/** The log of one request, of which every line names its trace. Fastify makes one anyhow: a second would cost more. */
export function childLoggerOf(
  logger: FastifyBaseLogger,
  bindings: Record<string, unknown>,
  options: object,
  request: IncomingMessage,
): FastifyBaseLogger {
  return logger.child({ ...bindings, traceId: traceOfRequest(request).traceId }, options);
}

/** RFC 9112, section 3.2. Node's parser would say it with an empty answer. */
export const isHostMissing = ({ headers, httpVersion }: IncomingMessage): boolean =>
  headers.host === undefined && httpVersion === '1.1';

/**
 * A request of another site's page that did not come through the gateway, which rejects those, too, unless a route allows
 * the origin. A page can add no header to a request that goes out without a preflight, and there is none here.
 */
const isSentByPage = (request: IncomingMessage, publicOrigin: string | undefined): boolean =>
  request.headers['x-forwarded-host'] === undefined && isCrossSite(request, publicOrigin);

/** Adds `caller`, `trace` and `deadline` to each request and `X-Request-Id` and `headers` to each response. Sign-in will change this one place. */
export function addRequestContext(
  app: FastifyInstance,
  timeoutMillis: number,
  headers: Readonly<Record<string, string>>,
): void {
  const hosts = knownHostsOf(app);
  app.decorateRequest('caller');
  app.decorateRequest('trace');
  app.decorateRequest('deadline', 0);
  app.addHook('onRequest', async (request, reply) => {
    // It gets no response: an earlier one ends the connection.
    if (isEnding(request.raw.socket)) return reply.hijack();
    request.caller = ADMINISTRATOR;
    request.trace = traceOfRequest(request.raw);
    request.deadline = performance.now() + timeoutMillis;
    reply.headers(headers).header('x-request-id', request.id);
    if (isHostMissing(request.raw)) throw new Refusal('invalid-request', 'The Host header is missing.');
    if (!hosts.isFor(request.raw, isForOperators(request.raw))) throw misdirected();
    if (!isSafeMethod(request.method) && isSentByPage(request.raw, hosts.publicOrigin)) throw crossSite();
    checkQueryText(request.raw.url ?? '/');
    return undefined;
  });
}
