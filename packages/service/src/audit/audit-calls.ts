/**
 * Records calls in the audit trail, before their response. A change is recorded in its own transaction, by the context
 * of its write; see http/write-context.ts.
 */
import { ANONYMOUS, auditKindOf, Refusal } from '@daybook/contracts';
import { DatabaseUnavailable, type SharedTransaction, type Statement } from '@daybook/database';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { operationOf } from '../access/access-control.ts';
import { writeProblem } from '../http/problem-handler.ts';
import type { Auditor, AuditRecord } from './auditor.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whether the call needs no further record. */
    isAudited: boolean;
  }
  interface FastifyInstance {
    auditor: Auditor | undefined;
  }
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const isId = (value: unknown): value is string => typeof value === 'string' && UUID.test(value);
const normalized = (ids: readonly string[]): string[] => [...new Set(ids.map((id) => id.toLowerCase()))].sort();

const OF_PATIENT = /^\/api\/v1\/patients\/:id(?:\/|$)/;
/** The headers that tell about the record of a response that is not sent. */
const OF_RECORD = ['etag', 'link', 'location', 'content-length'] as const;

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const memberOf = (value: unknown, name: string): unknown => (isObject(value) ? value[name] : undefined);

/** Returns the patients that a request names. They need not exist. */
function requestedPatients({ params, query, body, routeOptions: { url = '' } }: FastifyRequest): string[] {
  const ofPath = OF_PATIENT.test(url) ? memberOf(params, 'id') : memberOf(params, 'patientId');
  return [ofPath, memberOf(query, 'patientId'), memberOf(body, 'patientId')].filter(isId);
}

/** Returns the resource that the path of a request names. */
const requestedSubject = ({ params }: FastifyRequest): string | undefined =>
  isObject(params) ? Object.values(params).filter(isId).at(-1) : undefined;

function recordFor(
  request: FastifyRequest,
  operation: string,
  { action, patientIds, subjectId }: Pick<AuditRecord, 'action' | 'patientIds' | 'subjectId'>,
): AuditRecord {
  const ids = normalized(patientIds);
  const subject = subjectId?.toLowerCase();
  return {
    action,
    operation,
    caller: request.caller,
    patientIds: ids,
    ...(subject !== undefined && !ids.includes(subject) && { subjectId: subject }),
    traceparent: request.trace.traceparent,
  };
}

/**
 * Returns the record of a change, for its transaction. `result` is the changed resource.
 * @throws Error when the operation is not a change by the table of audited operations
 */
export function changeStatements(
  request: FastifyRequest,
  transaction: SharedTransaction,
  patientIds: readonly string[],
  result: unknown,
): Statement[] {
  const operation = operationOf(request);
  const insertIn = request.server.auditor?.insertIn;
  if (operation === undefined || !insertIn) return [];
  if (auditKindOf(operation) !== 'change') throw new Error(`${operation} is not audited as a change.`);
  request.isAudited = true;
  const id = memberOf(result, 'id');
  const subjectId = isId(id) ? id : requestedSubject(request);
  return [insertIn(transaction, recordFor(request, operation, { action: 'changed', patientIds, subjectId }))];
}

/** Returns the record of a refused call; undefined for one that names nothing which could exist. */
function refusedCall(request: FastifyRequest, { refusalCode }: FastifyReply, operation: string) {
  const subjectId = requestedSubject(request);
  const patientIds = requestedPatients(request);
  const isRefused =
    refusalCode === 'forbidden' || (refusalCode === 'not-found' && (subjectId !== undefined || patientIds.length > 0));
  return isRefused ? recordFor(request, operation, { action: 'call-refused', patientIds, subjectId }) : undefined;
}

const isSuccess = (status: number): boolean => (status >= 200 && status < 300) || status === 304;

/**
 * Returns the record of a successful read by staff. Patients reach their own records only.
 * @throws Error when the route has not named the patients, because the read would not be recorded
 */
function readCall(request: FastifyRequest, reply: FastifyReply, operation: string): AuditRecord | undefined {
  if (request.caller.role === 'patient') return undefined;
  const { shownPatientIds } = request;
  if (shownPatientIds && shownPatientIds.length > 0) {
    const subjectId = requestedSubject(request);
    return recordFor(request, operation, { action: 'record-read', patientIds: shownPatientIds, subjectId });
  }
  if (shownPatientIds === undefined && isSuccess(reply.statusCode)) {
    throw new Error(`The route of ${operation} does not name the patients whose records it shows.`);
  }
  return undefined;
}

/**
 * Returns the record of a change that its service could not add to the transaction.
 * @throws Error when the transaction should have had it
 */
function changeCall(request: FastifyRequest, reply: FastifyReply, operation: string): AuditRecord | undefined {
  const { auditor } = request.server;
  if (request.shownPatientIds) return readCall(request, reply, operation);
  if (!isSuccess(reply.statusCode)) return undefined;
  if (auditor?.insertIn) throw new Error(`The transaction of ${operation} has no audit record.`);
  const subjectId = requestedSubject(request);
  return recordFor(request, operation, { action: 'changed', patientIds: requestedPatients(request), subjectId });
}

/** Returns the record that the response to a request needs. Services call for requests that are recorded themselves. */
function recordOf(request: FastifyRequest, reply: FastifyReply): AuditRecord | undefined {
  const operation = operationOf(request);
  if (operation === undefined || request.caller === ANONYMOUS || request.caller.role === 'service') return undefined;
  const refused = refusedCall(request, reply, operation);
  if (refused) return refused;
  const kind = auditKindOf(operation);
  if (kind === 'change') return changeCall(request, reply, operation);
  return kind === 'read' ? readCall(request, reply, operation) : undefined;
}

const notRecorded = () =>
  new Refusal('service-unavailable', 'The call cannot be recorded now, so it gets no response.', {
    retryAfterSeconds: 1,
  });

/** Replaces a response, which may itself be a refusal. It returns the new payload. */
function refuse(request: FastifyRequest, reply: FastifyReply, error: unknown): string {
  // The error of a database that cannot be used is expected. Any other one is a mistake.
  if (error instanceof DatabaseUnavailable) request.log.warn({ reason: error.reason }, 'audit record not stored');
  else request.log.error({ err: error }, 'audit record not stored');
  for (const name of OF_RECORD) reply.removeHeader(name);
  return writeProblem(request, reply, notRecorded());
}

/** Records the calls of all routes of the API. It must run before hooks that replace the response. */
export function addAuditing(app: FastifyInstance, auditor: Auditor | undefined): void {
  app.decorate('auditor', auditor);
  app.decorateRequest('shownPatientIds', undefined);
  app.decorateRequest('isAudited', false);
  if (!auditor) return;
  app.addHook('onSend', (request, reply, payload, done) => {
    if (request.isAudited) return done(null, payload);
    request.isAudited = true;
    const record = recordOf(request, reply);
    if (!record) return done(null, payload);
    auditor.record(record).then(
      () => done(null, payload),
      (error: unknown) => done(null, refuse(request, reply, error)),
    );
  });
}
