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
export { type App, createServiceApp, type ServiceAppOptions } from './app.ts';
export * from './clock.ts';
export * from './common-config.ts';
export * from './conditional.ts';
export * from './configuration.ts';
export * from './connection-guard.ts';
export { crossSite, isCrossSite, isSafeMethod } from './cross-site.ts';
export * from './cursor.ts';
export type { DurationSeries } from './durations.ts';
export type { HealthCheck } from './health.ts';
export * from './host-process.ts';
export { type AnswerShape, answerOnce } from './idempotency.ts';
export { isNestedTooDeeply } from './json-depth.ts';
export { type KnownHosts, knownHostsOf, misdirected } from './known-hosts.ts';
export { beginLeaving, onLeaving } from './leaving.ts';
export { closeLingering } from './lingering-close.ts';
export { createLogger, type Logger, prettyLine } from './logger.ts';
export { addParkedEventRoutes, keyOfParkedEvent, readParkedEventCursor } from './parked-events.ts';
export { isEnding, markEnding, prepareConnection, responseDue } from './pending-responses.ts';
export { tidyPerson } from './person.ts';
export { isPhone, toE164 } from './phone.ts';
export { PROBLEM_JSON, refusalOf, requestTimeout, sendProblem } from './problem-handler.ts';
export { refuseBody } from './refuse-body.ts';
export { ADMINISTRATOR, isHostMissing, requestIdOf } from './request-context.ts';
export type { AllowedRoles } from './roles.ts';
export { CLOSE_DEADLINE_MILLIS, openProcessLog, runProcess, type Started } from './run-process.ts';
export { hostOfOneService, runService, type ServiceModule, startedService } from './run-service.ts';
export { BROWSER_HEADERS, flatHeaders, SAFE_HEADERS } from './safe-headers.ts';
export * from './serve.ts';
export * from './service-bus.ts';
export * from './service-database.ts';
export * from './start-failure.ts';
export { type EndRequest, isReport, type Report } from './supervision.ts';
export { type Trace, traceOf } from './trace.ts';
export { dropBody } from './unread-body.ts';
export { checkerOf, compileTextValidator, faultOf, readerOf } from './validation.ts';
export { VERSION } from './version.ts';
