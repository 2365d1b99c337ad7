/** The context of every request: its id, its trace, its caller. */
import type { IncomingMessage } from 'node:http';
import { ANONYMOUS, type ProblemCode, Refusal, type VerifiedCaller } from '@daybook/contracts';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { type Trace, traceOf } from '../observability/trace.ts';
import { crossSite, isCrossSite, isSafeMethod } from './cross-site.ts';
import { knownHostsOf, misdirected } from './known-hosts.ts';
import { isForOperators } from './operations.ts';
import { isEnding } from './pending-responses.ts';
import { checkQueryText } from './query-text.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The caller of the request. Only operations of the API have a caller other than `ANONYMOUS`. */
    caller: VerifiedCaller;
    trace: Trace;
    /** When the request times out, in the time of `performance.now()`. */
    deadline: number;
  }
  interface FastifyContextConfig {
    /** For the API document: the refusals of this operation besides those that its shape implies. */
    problems?: readonly ProblemCode[];
    /** For the API document: whether the response has an ETag. */
    versioned?: boolean;
  }
}

const traces = new WeakMap<IncomingMessage, Trace>();

/** Returns the one trace of a request. Its log is created first, and its response must name the same trace. */
export function traceOfRequest(request: IncomingMessage): Trace {
  const known = traces.get(request);
  if (known) return known;
  const trace = traceOf(request.headers.traceparent);
  traces.set(request, trace);
  return trace;
}

/**
 * Returns the log of one request, with its trace on every line. It replaces the child logger that Fastify creates
 * anyway, because a second one would cost more.
 */
export function childLoggerOf(
  logger: FastifyBaseLogger,
  bindings: Record<string, unknown>,
  options: object,
  request: IncomingMessage,
): FastifyBaseLogger {
  return logger.child({ ...bindings, traceId: traceOfRequest(request).traceId }, options);
}

/** RFC 9112, section 3.2. Node's parser would send an empty response. */
export const isHostMissing = ({ headers, httpVersion }: IncomingMessage): boolean =>
  headers.host === undefined && httpVersion === '1.1';

/**
 * Returns whether a page of another site sent a request that did not pass the gateway. The gateway rejects such
 * requests, unless a route allows the origin. A page cannot forge its `x-forwarded-host`, because added headers need a
 * preflight, which this service does not support.
 */
const isSentByPage = (request: IncomingMessage, publicOrigin: string | undefined): boolean =>
  request.headers['x-forwarded-host'] === undefined && isCrossSite(request, publicOrigin);

/**
 * Adds `caller`, `trace` and `deadline` to each request, and `X-Request-Id` and `headers` to each response.
 */
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
    // It gets no response, because an earlier one ends the connection.
    if (isEnding(request.raw.socket)) return reply.hijack();
    request.caller = ANONYMOUS;
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
