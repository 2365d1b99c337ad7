/** What every request carries besides its content: its id, its trace, who asks. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Caller, ProblemCode } from '@daybook/contracts';
import type { FastifyInstance } from 'fastify';
import { type Trace, traceOf } from './trace.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks. */
    caller: Caller;
    trace: Trace;
  }
  interface FastifyContextConfig {
    /** The refusals of this operation besides those that its shape implies; for the API document. */
    problems?: readonly ProblemCode[];
  }
}

/** Everybody, until there is sign-in. */
export const ADMINISTRATOR: Caller = { id: 'administrator', role: 'administrator' };

const REQUEST_ID = /^[\w.-]{1,64}$/;

/** The id that the request brings, if it is one; a new one otherwise. */
export function requestIdOf(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
}

/** Adds `caller` and `trace` to each request and `X-Request-Id` to each answer. Sign-in will change this one place. */
export function addRequestContext(app: FastifyInstance): void {
  app.decorateRequest('caller');
  app.decorateRequest('trace');
  app.addHook('onRequest', async (request, reply) => {
    request.caller = ADMINISTRATOR;
    request.trace = traceOf(request.headers.traceparent);
    reply.header('x-request-id', request.id);
  });
}
