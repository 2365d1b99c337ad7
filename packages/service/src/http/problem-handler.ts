/** The one place that turns a failure into an HTTP response. */
import { type Fault, type ProblemCode, problemOf, problems, Refusal } from '@daybook/contracts';
import { AmbiguousCommit, DatabaseUnavailable } from '@daybook/database';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { showPatients } from '../audit/shown-patients.ts';
import { faultOf } from '../validation/validation.ts';
import type { MethodsOf } from './allowed-methods.ts';
import { dropUnreadBody } from './unread-body.ts';

declare module 'fastify' {
  interface FastifyReply {
    /** The code of the refusal that this reply sends, for the metrics. */
    refusalCode: ProblemCode | undefined;
  }
}

export const PROBLEM_JSON = 'application/problem+json; charset=utf-8';

const describe: Record<string, (error: FastifyError) => Refusal> = {
  FST_ERR_CTP_INVALID_JSON_BODY: () => new Refusal('malformed-body', 'The body is not valid JSON.'),
  FST_ERR_CTP_EMPTY_JSON_BODY: () => new Refusal('malformed-body', 'The body is empty.'),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () =>
    new Refusal('malformed-body', 'The body is not as long as Content-Length says.'),
  FST_ERR_CTP_BODY_TOO_LARGE: () => new Refusal('body-too-large', 'The body is larger than this accepts.'),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () =>
    new Refusal('unsupported-media-type', 'The Content-Type is not supported; send application/json.'),
  FST_ERR_HANDLER_TIMEOUT: () => new Refusal('deadline-exceeded', 'The response was not ready in time.'),
  FST_ERR_MAX_PARAM_LENGTH: () => notFound(),
  FST_ERR_VALIDATION: (error) => refusalOfValidation(error),
};

export const requestTimeout = () => new Refusal('request-timeout', 'The request did not come in time.');

const notFound = () => new Refusal('not-found', 'There is nothing at this address.');

function refusalOfValidation(error: FastifyError): Refusal {
  if (error.validationContext === 'params') return notFound();
  const errors: Fault[] = (error.validation ?? []).map((fault) =>
    faultOf({ ...fault, params: { ...fault.params }, message: fault.message ?? 'is not valid' }),
  );
  return new Refusal('invalid-request', `The ${error.validationContext ?? 'request'} does not match the API schema.`, {
    errors,
  });
}

/** Returns the refusal for a failure; undefined for an internal error. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof Refusal) return error;
  if (error instanceof AmbiguousCommit) {
    const detail =
      'It may have been done. Check before you send it again; with an Idempotency-Key, just send it again.';
    return new Refusal('service-unavailable', detail, { retryAfterSeconds: 1 });
  }
  if (error instanceof DatabaseUnavailable) {
    return new Refusal('service-unavailable', 'The data cannot be read or written now.', { retryAfterSeconds: 1 });
  }
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  const known = error as FastifyError;
  const described = describe[known.code]?.(known);
  if (described) return described;
  const refusedByFramework = known.statusCode !== undefined && known.statusCode >= 400 && known.statusCode < 500;
  return refusedByFramework ? new Refusal('invalid-request', 'The request cannot be understood.') : undefined;
}

/** Sets status and headers for a refusal. Returns its problem document. */
export function writeProblem(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): string {
  const [path = '/'] = request.url.split('?');
  const problem = problemOf(refusal, path, request.trace.traceId);
  const { retryAfterSeconds, challenge, candidates, holderId } = refusal.extras;
  if (candidates || holderId !== undefined)
    showPatients(request, [...(candidates ?? []).map(({ id }) => id), holderId]);
  if (retryAfterSeconds !== undefined) reply.header('retry-after', retryAfterSeconds);
  if (challenge !== undefined) reply.header('www-authenticate', challenge);
  reply.refusalCode = refusal.code;
  reply.code(problem.status).type(PROBLEM_JSON);
  return JSON.stringify(problem);
}

/** Sends a refusal as a problem document. */
export const sendProblem = (request: FastifyRequest, reply: FastifyReply, refusal: Refusal): FastifyReply =>
  reply.send(writeProblem(request, reply, refusal));

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;

/** Returns whether the client is still sending the body. */
const isBodyPending = ({ raw }: FastifyRequest): boolean =>
  (raw.headers['transfer-encoding'] !== undefined || Number(raw.headers['content-length'] ?? 0) > 0) &&
  !raw.readableEnded;

/** Returns what a log may name of a request: the pattern of its route, and never its address, which may hold an id. */
const operationOf = ({ method, routeOptions }: FastifyRequest) => ({ method, route: routeOptions.url ?? 'none' });

const reasonOf = (error: unknown): string | undefined =>
  error instanceof DatabaseUnavailable ? error.reason : undefined;

export function addProblemHandler(app: FastifyInstance, methodsOf: MethodsOf): void {
  app.setErrorHandler((error, request, reply) => {
    if (isCode(error, 'FST_ERR_HANDLER_TIMEOUT') && isBodyPending(request)) {
      return sendProblem(request, reply.header('connection', 'close'), requestTimeout());
    }
    const refusal = refusalOf(error);
    dropUnreadBody(request, reply);
    if (refusal) {
      if (problems[refusal.code].status >= 500) {
        const fields = { code: refusal.code, reason: reasonOf(error), ...operationOf(request) };
        request.log.warn(fields, 'service-unavailable response sent');
      }
      return sendProblem(request, reply, refusal);
    }
    request.log.error({ err: error, ...operationOf(request) }, 'unexpected error');
    return sendProblem(
      request,
      reply,
      new Refusal('internal-error', 'Unexpected error; quote the trace id when you report it.'),
    );
  });
  app.setNotFoundHandler((request, reply) => {
    const [path = '/'] = request.url.split('?', 1);
    const allowed = methodsOf(path, request.raw);
    if (allowed.length === 0 || allowed.includes(request.method)) return sendProblem(request, reply, notFound());
    const detail = `${request.method} is not supported here. Supported methods: ${allowed.join(', ')}.`;
    return sendProblem(request, reply.header('allow', allowed.join(', ')), new Refusal('method-not-allowed', detail));
  });
}
