export {
  basicAuthorization,
  completeRegistryUsers,
  DAYBOOK_APPLICATIONS,
  formatRegistryUsers,
  isOwnUser,
  OPERATOR_USER,
  PEER_USER,
  parseRegistryUsers,
  type RegistryUsers,
  withRegistryUser,
} from '@daybook/discovery';
export * from './access/authenticator.ts';
export * from './access/identity-client.ts';
export * from './access/join-identity.ts';
export * from './access/service-key.ts';
export * from './access/service-tokens.ts';
export type { Auditor, AuditRecord } from './audit/auditor.ts';
export { createOutboxAuditor } from './audit/outbox-auditor.ts';
export { showPatients } from './audit/shown-patients.ts';
export * from './config/common-variables.ts';
export * from './config/local-only.ts';
export * from './config/read-configuration.ts';
export { createServiceApp, type ServiceAppOptions } from './http/app.ts';
export type { App } from './http/app-type.ts';
export * from './http/connection-guard.ts';
export { crossSite, isCrossSite, isSafeMethod } from './http/cross-site.ts';
export { bindCursor, type CursorKey, decodeCursor, encodeCursor } from './http/cursor.ts';
export * from './http/etag.ts';
export { changedResponse, createdResponse, type ResponseShape, replyIdempotently } from './http/idempotency.ts';
export { isNestedTooDeeply } from './http/json-depth.ts';
export { type KnownHosts, knownHostsOf, misdirected } from './http/known-hosts.ts';
export { closeLingering } from './http/lingering-close.ts';
export * from './http/pagination.ts';
export { addParkedEventRoutes, keyOfParkedEvent, readParkedEventCursor } from './http/parked-events.ts';
export { isEnding, markEnding, prepareConnection, responseDue } from './http/pending-responses.ts';
export { PROBLEM_JSON, refusalOf, requestTimeout, sendProblem } from './http/problem-handler.ts';
export { rejectBody } from './http/reject-body.ts';
export { isHostMissing } from './http/request-context.ts';
export { requestIdOf } from './http/request-id.ts';
export { BROWSER_HEADERS, flatHeaders, SAFE_HEADERS } from './http/safe-headers.ts';
export { dropBody } from './http/unread-body.ts';
export { writeContextOf } from './http/write-context.ts';
export * from './lifecycle/clock.ts';
export { onDraining, startDraining } from './lifecycle/draining.ts';
export { EXIT } from './lifecycle/exit-codes.ts';
export * from './lifecycle/host-process.ts';
export { runCommand } from './lifecycle/run-command.ts';
export {
  CLOSE_DEADLINE_MILLIS,
  type LogConfig,
  logFormatOf,
  openProcessLog,
  runProcess,
  type Started,
} from './lifecycle/run-process.ts';
export { hostOfOneService, runService, type ServiceModule, startedService } from './lifecycle/run-service.ts';
export * from './lifecycle/serve.ts';
export * from './lifecycle/service-bus.ts';
export * from './lifecycle/service-database.ts';
export * from './lifecycle/start-failure.ts';
export { isReport, type Report, type ShutdownRequest, SUPERVISED_ENVIRONMENT } from './lifecycle/supervision.ts';
export { errorFields } from './observability/error-fields.ts';
export type { HealthCheck } from './observability/health.ts';
export type { HistogramSeries } from './observability/histogram.ts';
export { createLogger, type LogFormat, type Logger, lineFormatterOf } from './observability/logger.ts';
export { type Trace, traceOf } from './observability/trace.ts';
export { assertContactsOnly } from './validation/contacts-only.ts';
export { tidyPerson } from './validation/person.ts';
export { isPhone, toE164 } from './validation/phone.ts';
export { compileTextValidator, createParser, createValidator, faultOf } from './validation/validation.ts';
export { VERSION } from './version.ts';
