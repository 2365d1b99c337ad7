/** Decides whether a response matches the API document. */
import { Problem, problems } from '@daybook/contracts';
import { createValidator } from '@daybook/service';
import type { Operation } from './document.ts';
import { fits, type Validity } from './prepare.ts';
import type { RawResponse } from './raw-http.ts';
import type { Plan } from './requests.ts';

const PROBLEM_TYPE = /^application\/problem\+json(; charset=utf-8)?$/;
const JSON_TYPE = /^application\/json(; charset=utf-8)?$/;
const checkProblem = createValidator(Problem);

/** Statuses for malformed requests, and for those that match no operation. */
const UNMATCHED = [400, 404, 405, 408, 412, 413, 414, 415, 417, 421, 422, 426, 431, 501, 505];
/** Statuses for unsupported methods, encodings and versions of HTTP. */
const NOT_SUPPORTED = [501, 505];
/** Faults that schemas cannot express: combinations of parameters, and content that is opaque to its schema. */
const BEYOND_THE_SCHEMA = [
  '/cursor is not one that this list gave',
  '/to must not be before from',
  '/doctorId name either a doctorId or a specialty',
  '/birthDate must not be after tomorrow',
  '/q has more than 12 words',
  '/if-match must be * or ETags in quotes, separated by commas',
  '/idempotency-key must be 1 to 255 visible ASCII characters',
];

function jsonOf({ body }: RawResponse): unknown {
  return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
}

const typeOf = ({ headers }: RawResponse): string => headers.get('content-type')?.join() ?? 'none';

/** Returns what is wrong with a problem response; undefined without a fault. */
export function faultOfProblem(response: RawResponse): string | undefined {
  if (!PROBLEM_TYPE.test(typeOf(response))) return `a refusal of the type ${typeOf(response)}`;
  const checked = checkProblem(jsonOf(response));
  if ('faults' in checked) return `no problem document: ${JSON.stringify(checked.faults)}`;
  const { code, status, traceId } = checked.value;
  if (status !== response.status) return `the problem has ${status}`;
  if (!Object.hasOwn(problems, code)) return `the code ${code} is not in the catalogue`;
  return /^[0-9a-f]{32}$/.test(traceId) ? undefined : `the trace ${traceId}`;
}

/** Checks what holds for every response, whatever the request. */
export function faultOfAny(response: RawResponse): string | undefined {
  if (response.status >= 500 && !NOT_SUPPORTED.includes(response.status)) return `a ${response.status}`;
  const ids = response.headers.get('x-request-id') ?? [];
  if (ids.length !== 1 || !/^[\w.-]{1,64}$/.test(ids[0] ?? '')) return `X-Request-Id: ${ids.join(' and ')}`;
  for (const [name, value] of [
    ['cache-control', 'no-store'],
    ['x-content-type-options', 'nosniff'],
  ] as const) {
    const actual = response.headers.get(name)?.join();
    if (actual !== value) return `${name}: ${actual}`;
  }
  return undefined;
}

function faultOfHeaders(operation: Operation, response: RawResponse): string | undefined {
  const { headers = {} } = operation.responses[response.status] ?? {};
  const etag = response.headers.get('etag');
  if ('ETag' in headers && !/^"[\x21\x23-\x7e]+"$/.test(etag?.join() ?? '')) return `ETag: ${etag}`;
  if (!('Location' in headers)) return undefined;
  const location = response.headers.get('location')?.join() ?? '';
  return /^\/api\/v1\/[\w/-]+\/[\da-f-]{36}$/i.test(location) ? undefined : `Location: ${location}`;
}

function faultOfSuccess(operation: Operation, response: RawResponse): string | undefined {
  const schema = operation.responses[response.status]?.content?.['application/json']?.schema;
  if (schema === undefined) return response.body.length === 0 ? undefined : 'a body where none is documented';
  if (!JSON_TYPE.test(typeOf(response))) return `a response of the type ${typeOf(response)}`;
  const value = jsonOf(response);
  const ofInstants = faultOfInstants(value);
  if (ofInstants) return ofInstants;
  if (!fits(schema, value)) return `not as documented: ${response.body.toString().slice(0, 2_000)}`;
  const hasNext = typeof value === 'object' && value !== null && 'nextCursor' in value;
  // The next page of a search in a body needs another body.
  if (operation.method === 'POST') return undefined;
  return hasNext === response.headers.has('link') ? undefined : 'nextCursor without Link, or the other way round';
}

const INSTANT_FIELDS = ['start', 'end', 'at', 'time', 'createdAt', 'updatedAt', 'expiresAt', 'parkedAt'];
const WITH_MILLISECONDS = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;
/** Matches the times of weekly hours, which have the same field names. */
const WALL_CLOCK = /^\d{2}:\d{2}$/;

/** Finds an instant without exactly three digits of milliseconds. */
function faultOfInstants(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [name, field] of Object.entries(value)) {
    const isInstant = INSTANT_FIELDS.includes(name) && typeof field === 'string' && !WALL_CLOCK.test(field);
    if (isInstant && !WITH_MILLISECONDS.test(field)) return `the instant ${field}`;
    const inside = faultOfInstants(field);
    if (inside) return inside;
  }
  return undefined;
}

/** Returns whether a 400 for a valid request has a reason that schemas cannot express. */
function isBeyondTheSchema(response: RawResponse): boolean {
  const checked = checkProblem(jsonOf(response));
  const errors = 'value' in checked ? (checked.value.errors ?? []) : [];
  return (
    errors.length > 0 && errors.every(({ pointer, message }) => BEYOND_THE_SCHEMA.includes(`${pointer} ${message}`))
  );
}

/** Returns what is wrong with a response; undefined without a fault. */
export function faultOf(plan: Plan, validity: Validity, response: RawResponse): string | undefined {
  const { operation } = plan;
  const general = faultOfAny(response);
  if (general) return general;
  if (plan.method === 'HEAD') return undefined;
  const refused = response.status >= 400 ? faultOfProblem(response) : undefined;
  if (refused) return refused;
  const succeeded = response.status < 400;
  // Another method may be another operation, or none.
  if (plan.method !== operation.method) return undefined;
  const documented = Object.hasOwn(operation.responses, response.status);
  if (!documented && (validity !== 'unknown' || !UNMATCHED.includes(response.status)))
    return `a ${response.status} that is not documented`;
  if (validity === 'invalid' && succeeded) return `${response.status} for what the document calls invalid`;
  if (validity === 'valid' && response.status === 400 && !isBeyondTheSchema(response)) {
    return `400 for what the document calls valid: ${response.body}`;
  }
  // A suffix may lead to another operation.
  if (!succeeded || plan.pathSuffix !== '') return undefined;
  return faultOfHeaders(operation, response) ?? faultOfSuccess(operation, response);
}
