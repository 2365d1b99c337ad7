import { type Static, Type } from 'typebox';
import { PatientCandidate } from './patient-merge.ts';
import { Id } from './scalars.ts';
import { Slot } from './slot.ts';

/**
 * All refusals of the API: the stable code, its HTTP status and its title (RFC 9457). A published code keeps its
 * meaning.
 */
export const problems = {
  'malformed-body': { status: 400, title: 'The body is not JSON' },
  'invalid-request': { status: 400, title: 'The request does not match the API schema' },
  unauthenticated: { status: 401, title: 'Sign in first' },
  forbidden: { status: 403, title: 'Not allowed' },
  'recent-sign-in-required': { status: 403, title: 'Sign in again first' },
  'cross-site-request': { status: 403, title: 'A page of another site sent the request' },
  'not-found': { status: 404, title: 'Not found' },
  'method-not-allowed': { status: 405, title: 'The method is not supported here' },
  'request-timeout': { status: 408, title: 'The request did not come in time' },
  'slot-taken': { status: 409, title: 'That time is taken' },
  'patient-busy': { status: 409, title: 'The patient has another appointment then' },
  'hold-expired': { status: 409, title: 'The hold has run out' },
  'nothing-free': { status: 409, title: 'Nothing is free in that time' },
  'too-many-appointments': { status: 409, title: 'The patient has enough upcoming appointments' },
  'too-many-holds': { status: 409, title: 'There are too many holds at once' },
  'wrong-status': { status: 409, title: 'The status does not allow this' },
  'not-the-day': { status: 409, title: 'The day of the visit does not allow this' },
  'changed-meanwhile': { status: 409, title: 'It was changed meanwhile' },
  'past-cancellation-deadline': { status: 409, title: 'It is too late to cancel this online' },
  'identifier-taken': { status: 409, title: 'Another patient has that identifier' },
  'possible-duplicate': { status: 409, title: 'A patient with these names and this birth date is registered' },
  'patient-replaced': { status: 409, title: 'The record was merged into another one' },
  'too-many-merged': { status: 409, title: 'Too many records are merged into one' },
  'patient-erased': { status: 409, title: 'The data of the patient was erased' },
  'upcoming-appointments': { status: 409, title: 'The patient has upcoming appointments' },
  'not-merged': { status: 409, title: 'The record is not merged into another one' },
  'name-taken': { status: 409, title: 'That name is taken' },
  'last-administrator': { status: 409, title: 'There must be an active administrator' },
  'still-parked': { status: 409, title: 'The event still cannot be handled' },
  'idempotency-key-in-use': { status: 409, title: 'The first request with this key is still running' },
  'precondition-failed': { status: 412, title: 'It has changed since you read it' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'Send JSON' },
  'misdirected-request': { status: 421, title: 'The request is for another host' },
  'clinic-closed': { status: 422, title: 'The clinic is closed then' },
  'outside-availability': { status: 422, title: 'The doctor does not work then' },
  'too-soon': { status: 422, title: 'That is too soon' },
  'too-far-ahead': { status: 422, title: 'That is too far ahead' },
  'not-on-grid': { status: 422, title: 'Times start every 5 minutes' },
  'doctor-inactive': { status: 422, title: 'The doctor takes no new appointments' },
  'patient-inactive': { status: 422, title: 'The patient is not active' },
  'doctor-not-found': { status: 422, title: 'Doctor not found' },
  'patient-not-found': { status: 422, title: 'Patient not found' },
  'same-patient': { status: 422, title: 'A record cannot be merged into itself' },
  'appointment-type-not-found': { status: 422, title: 'Appointment type not found' },
  'appointment-type-inactive': { status: 422, title: 'The appointment type is not in use' },
  'appointment-type-not-offered': { status: 422, title: 'The doctor does not offer that appointment type' },
  'overlapping-hours': { status: 422, title: 'Working hours overlap' },
  'invalid-interval': { status: 422, title: 'The time does not end after it starts' },
  'too-many-exceptions': { status: 422, title: 'There are too many exceptions around that time' },
  'too-many-closures': { status: 422, title: 'There are too many closures around that time' },
  'too-many-periods': { status: 422, title: 'The schedule has too many periods' },
  'range-too-long': { status: 422, title: 'The range of time is too long' },
  'contact-not-proven': { status: 422, title: 'The contact does not prove the identity' },
  'link-code-refused': { status: 422, title: 'The code cannot be used' },
  'idempotency-key-reused': { status: 422, title: 'The key was used for another request' },
  'too-many-requests': { status: 429, title: 'Too many requests' },
  'headers-too-large': { status: 431, title: 'The headers are too large' },
  'internal-error': { status: 500, title: 'Unexpected error' },
  'service-unavailable': { status: 503, title: 'A required service is unavailable' },
  'deadline-exceeded': { status: 504, title: 'The response took too long' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof problems;

const Fault = Type.Object({ pointer: Type.String({ description: 'RFC 6901' }), message: Type.String() });
export type Fault = Static<typeof Fault>;

/** `application/problem+json`. */
export const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    instance: Type.String(),
    code: Type.String({ description: 'Stable; base decisions on it' }),
    traceId: Type.String(),
    errors: Type.Optional(Type.Array(Fault, { description: 'Every fault of the request at once' })),
    alternatives: Type.Optional(Type.Array(Slot, { description: 'The nearest free slots' })),
    candidates: Type.Optional(
      Type.Array(PatientCandidate, { description: 'Of `possible-duplicate`, for staff: the records that it is like' }),
    ),
    holderId: Type.Optional(Id('Of `identifier-taken`, for staff: the record that has one of the identifiers')),
  },
  { title: 'Problem' },
);
export type Problem = Static<typeof Problem>;

/** Optional members of a refusal. */
export interface RefusalExtras {
  errors?: Fault[];
  alternatives?: Slot[];
  candidates?: PatientCandidate[];
  holderId?: string;
  /** Whole seconds until a retry can succeed; sent as `Retry-After`. */
  retryAfterSeconds?: number;
  /** How to sign in; sent as `WWW-Authenticate`. */
  challenge?: string;
}

/**
 * A refusal with a reason that the caller may see. Domain, store and routes throw it;
 * `packages/service/src/http/problem-handler.ts` turns it into HTTP. `detail` never holds a name, a contact or a reason
 * of visit.
 */
export class Refusal extends Error {
  readonly code: ProblemCode;
  readonly extras: RefusalExtras;

  constructor(code: ProblemCode, detail: string, extras: RefusalExtras = {}) {
    super(detail);
    this.name = 'Refusal';
    this.code = code;
    this.extras = extras;
  }
}

/** Returns the refusal of a request for a resource that does not exist. */
export const notFound = (resource: string): Refusal =>
  new Refusal('not-found', `There is no ${resource} with this id.`);

/** Returns the problem document of a refusal. `instance` is the path of the request, without its query. */
export function problemOf(refusal: Refusal, instance: string, traceId: string): Problem {
  const { status, title } = problems[refusal.code];
  const { errors, alternatives, candidates, holderId } = refusal.extras;
  return {
    type: `urn:daybook:problem:${refusal.code}`,
    title,
    status,
    detail: refusal.message,
    instance,
    code: refusal.code,
    traceId,
    ...(errors && { errors }),
    ...(alternatives && { alternatives }),
    ...(candidates && { candidates }),
    ...(holderId !== undefined && { holderId }),
  };
}
