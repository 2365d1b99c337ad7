/** The HTTP application that every service starts from. Nothing is listened on here. */
import { isUtf8 } from 'node:buffer';
import { Refusal } from '@daybook/contracts';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { type FastifyBaseLogger, type FastifyServerFactory, LogController } from 'fastify';
import { addHealth, type HealthCheck } from '../observability/health.ts';
import type { Logger } from '../observability/logger.ts';
import { addMetrics } from '../observability/metrics.ts';
import { validatorCompiler } from '../validation/validation.ts';
import { VERSION } from '../version.ts';
import { collectMethods } from './allowed-methods.ts';
import type { App } from './app-type.ts';
import { handleClientError, rejectConnect, rejectExpectation } from './client-errors.ts';
import { addCompression } from './compression.ts';
import { guarded, socketOf } from './connection-guard.ts';
import { isNestedTooDeeply, MOST_JSON_LEVELS } from './json-depth.ts';
import { addOpenApi } from './openapi.ts';
import { isOperator, separateOperations } from './operations.ts';
import { addCursors } from './pagination.ts';
import { rememberConnections } from './pending-responses.ts';
import { addProblemHandler, refusalOf, sendProblem } from './problem-handler.ts';
import { addRequestContext, childLoggerOf, traceOfRequest } from './request-context.ts';
import { requestIdOf } from './request-id.ts';
import { requireRoles } from './roles.ts';
import { SAFE_HEADERS } from './safe-headers.ts';

/** Longer than any handler needs; shorter than the gateway's patience (10 s), so that this service says it first. */
const HANDLER_TIMEOUT_MILLIS = 8_000;
const REQUEST_TIMEOUT_MILLIS = 30_000;
/** Of a route whose schema has a body: every one that its schema allows fits, at six bytes a character. */
const BODY_LIMIT_BYTES = 64 * 1024;
/** Of a route that takes no body: `{}` is sent nevertheless, and is let through. */
const NO_BODY_LIMIT_BYTES = 1024;

export interface ServiceAppOptions {
  /** The service id: `patient-service`. */
  name: string;
  logger: Logger;
  /** The parts without which this service is not ready. */
  checks?: Readonly<Record<string, HealthCheck>>;
  /** The parts that it can do without for a while: it stays ready. */
  tolerated?: Readonly<Record<string, HealthCheck>>;
  /** False for a service that has no API of its own to document. */
  openApi?: boolean;
  /** False for a service that compresses its responses itself. */
  compression?: boolean;
  /** Of every response, beside the safe ones. */
  headers?: Readonly<Record<string, string>>;
  /** For the gateway, which takes most requests before Fastify sees them. */
  serverFactory?: FastifyServerFactory;
}

/** Gives each route the size that its body needs. A route with a body of another size sets its own `bodyLimit`. */
function addBodyLimits(app: App): void {
  app.addHook('onRoute', (route) => {
    route.bodyLimit ??= route.schema?.body === undefined ? NO_BODY_LIMIT_BYTES : BODY_LIMIT_BYTES;
  });
}

/**
 * JSON and nothing else. Bytes that are not UTF-8 would be replaced, and a name kept that was never sent. A content type
 * without a body says nothing where no body is needed: many clients always send one.
 */
function addJsonParser(app: App): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>(
    ['application/json', 'application/merge-patch+json'],
    { parseAs: 'buffer' },
    (request, body, done) => {
      if (body.length === 0 && !request.routeOptions.schema?.body) return done(null, undefined);
      if (!isUtf8(body)) return done(new Refusal('malformed-body', 'The body is not valid UTF-8.'));
      if (isNestedTooDeeply(body)) {
        return done(new Refusal('malformed-body', `The body is nested more than ${MOST_JSON_LEVELS} levels deep.`));
      }
      return parse(request, body.toString('utf8'), done);
    },
  );
}

/** Errors, validation, request context, health, metrics and the API document; the service adds its routes. */
export async function createServiceApp({
  name,
  logger,
  checks = {},
  tolerated = {},
  openApi = true,
  compression = true,
  headers = {},
  serverFactory,
}: ServiceAppOptions): Promise<App> {
  const ownHeaders = { ...SAFE_HEADERS, ...headers };
  const app: App = Fastify({
    loggerInstance: logger.child({ service: name }) as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    childLoggerFactory: childLoggerOf,
    requestIdHeader: false,
    genReqId: requestIdOf,
    bodyLimit: BODY_LIMIT_BYTES,
    handlerTimeout: HANDLER_TIMEOUT_MILLIS,
    requestTimeout: REQUEST_TIMEOUT_MILLIS,
    forceCloseConnections: 'idle',
    // What still comes on a connection in use is answered, with `Connection: close`; Fastify's own 503 is no problem.
    return503OnClosing: false,
    // Ours is a problem document: see addRequestContext.
    http: { requireHostHeader: false },
    routerOptions: { maxParamLength: 200 },
    frameworkErrors: (error, request, reply) => {
      // No hook has run yet.
      request.trace = traceOfRequest(request.raw);
      reply.headers(ownHeaders).header('x-request-id', request.id);
      sendProblem(
        request,
        reply,
        refusalOf(error) ?? new Refusal('invalid-request', 'The request cannot be understood.'),
      );
    },
    clientErrorHandler: guarded((_error, socket) => socket, handleClientError),
    ...(serverFactory && { serverFactory }),
  }).withTypeProvider<TypeBoxTypeProvider>();
  rememberConnections(app.server);
  app.server.on('checkExpectation', guarded(socketOf, rejectExpectation));
  app.server.on('connect', guarded(socketOf, rejectConnect));
  app.setValidatorCompiler(validatorCompiler);
  addBodyLimits(app);
  addJsonParser(app);
  if (compression) await addCompression(app);
  addRequestContext(app, HANDLER_TIMEOUT_MILLIS, ownHeaders);
  separateOperations(app);
  addCursors(app);
  requireRoles(app);
  addProblemHandler(
    app,
    collectMethods(app, (request) => isOperator(app, request)),
  );
  if (openApi) await addOpenApi(app, name, VERSION);
  addMetrics(app);
  addHealth(app, name, VERSION, checks, tolerated);
  return app;
}
