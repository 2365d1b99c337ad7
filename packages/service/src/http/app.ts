/** The HTTP application of every service. It does not listen yet. */
import { isUtf8 } from 'node:buffer';
import { Refusal } from '@daybook/contracts';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { type FastifyBaseLogger, type FastifyServerFactory, LogController } from 'fastify';
import { addAccessControl } from '../access/access-control.ts';
import type { Authenticator } from '../access/authenticator.ts';
import { addAuditing } from '../audit/audit-calls.ts';
import type { Auditor } from '../audit/auditor.ts';
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
import { addCursors } from './cursor.ts';
import { isNestedTooDeeply, MOST_JSON_LEVELS } from './json-depth.ts';
import { addOpenApi } from './openapi.ts';
import { isOperator, separateOperations } from './operations.ts';
import { rememberConnections } from './pending-responses.ts';
import { addProblemHandler, refusalOf, sendProblem } from './problem-handler.ts';
import { addRequestContext, childLoggerOf, traceOfRequest } from './request-context.ts';
import { requestIdOf } from './request-id.ts';
import { SAFE_HEADERS } from './safe-headers.ts';

/**
 * Longer than any handler needs. Shorter than the gateway's timeout (10 s), so that this service reports the timeout
 * first.
 */
const HANDLER_TIMEOUT_MILLIS = 8_000;
const REQUEST_TIMEOUT_MILLIS = 30_000;
/** For a route with a body. Every body that its schema allows fits, at six bytes a character. */
const BODY_LIMIT_BYTES = 64 * 1024;
/** For a route without a body, because some clients send `{}`. */
const NO_BODY_LIMIT_BYTES = 1024;

export interface ServiceAppOptions {
  /** The service id: `patient-service`. */
  name: string;
  logger: Logger;
  /** Verifies the callers of the API. A service without operations of the API has none. */
  authenticator?: Authenticator;
  /** Keeps the calls of people. A service without records of people has none. */
  auditor?: Auditor;
  /** The checks of dependencies that readiness requires. */
  checks?: Readonly<Record<string, HealthCheck>>;
  /** The checks of dependencies that the service can do without for a while; it stays ready. */
  tolerated?: Readonly<Record<string, HealthCheck>>;
  /** False for a service without an API document. */
  openApi?: boolean;
  /** False for a service that compresses its responses itself. */
  compression?: boolean;
  /** Headers for every response, in addition to the safe ones. */
  headers?: Readonly<Record<string, string>>;
  /** For the gateway, which handles most requests before Fastify. */
  serverFactory?: FastifyServerFactory;
}

/** Gives each route the limit that its body needs. A route with a body of another size sets its own `bodyLimit`. */
function addBodyLimits(app: App): void {
  app.addHook('onRoute', (route) => {
    route.bodyLimit ??= route.schema?.body === undefined ? NO_BODY_LIMIT_BYTES : BODY_LIMIT_BYTES;
  });
}

/**
 * Accepts JSON only. Invalid UTF-8 is rejected, because replacement characters would change names. A content type
 * without a body is ignored where the body is optional, because many clients always send one.
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

/**
 * Creates an application with errors, validation, request context, health, metrics and the API document. The service
 * adds its routes.
 */
export async function createServiceApp({
  name,
  logger,
  authenticator,
  auditor,
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
    // Later requests on an open connection get a response with `Connection: close`. Fastify's own 503 is not a problem
    // document.
    return503OnClosing: false,
    // addRequestContext rejects a missing Host with a problem document.
    http: { requireHostHeader: false },
    routerOptions: { maxParamLength: 200 },
    frameworkErrors: (error, request, reply) => {
      // The hooks have not run yet.
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
  addAuditing(app, auditor);
  if (compression) await addCompression(app);
  addRequestContext(app, HANDLER_TIMEOUT_MILLIS, ownHeaders);
  separateOperations(app);
  addCursors(app);
  addAccessControl(app, authenticator);
  addProblemHandler(
    app,
    collectMethods(app, (request) => isOperator(app, request)),
  );
  if (openApi) await addOpenApi(app, name, VERSION);
  addMetrics(app);
  addHealth(app, name, VERSION, checks, tolerated);
  return app;
}
