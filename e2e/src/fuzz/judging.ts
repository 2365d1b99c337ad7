/** Whether an answer is one that the API document promises. */
import { Problem, problems } from '@daybook/contracts';
import { checkerOf } from '@daybook/service';
import type { Operation } from './document.ts';
import type { Plan } from './requests.ts';
import { fits, type Validity } from './sending.ts';
import type { Answer } from './wire.ts';

const PROBLEM_TYPE = /^application\/problem\+json(; charset=utf-8)?$/;
const JSON_TYPE = /^application\/json(; charset=utf-8)?$/;
const checkProblem = checkerOf(Problem);

/** What may be said of a request that is none, or of one that is none of the operation. */
const UNMATCHED = [400, 404, 405, 408, 412, 413, 414, 415, 417, 421, 422, 426, 431, 501, 505];
/** Methods, encodings and versions of HTTP that nobody here speaks. */
const NOT_SPOKEN = [501, 505];
/** Faults of several parameters at once, which their schemas cannot say, and of what is opaque by its schema. */
const BEYOND_THE_SCHEMA = [
  '/cursor is not one that this list gave',
  '/to must not be before from',
  '/doctorId name either a doctorId or a specialty',
  '/birthDate must not be after tomorrow',
  '/q has more than 12 words',
  '/if-match must be * or ETags in quotes, separated by commas',
  '/idempotency-key must be 1 to 255 visible ASCII characters',
];

function jsonOf({ body }: Answer): unknown {
  return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
}

const typeOf = ({ headers }: Answer): string => headers.get('content-type')?.join() ?? 'none';

/** What is wrong with a refusal; undefined when nothing is. */
export function faultOfProblem(answer: Answer): string | undefined {
  if (!PROBLEM_TYPE.test(typeOf(answer))) return `a refusal of the type ${typeOf(answer)}`;
  const checked = checkProblem(jsonOf(answer));
  if ('faults' in checked) return `no problem document: ${JSON.stringify(checked.faults)}`;
  const { code, status, traceId } = checked.value;
  if (status !== answer.status) return `the problem says ${status}`;
  if (!Object.hasOwn(problems, code)) return `the code ${code} is not in the catalogue`;
  return /^[0-9a-f]{32}$/.test(traceId) ? undefined : `the trace ${traceId}`;
}

/** What holds for every answer, whatever was asked. */
export function faultOfAny(answer: Answer): string | undefined {
  if (answer.status >= 500 && !NOT_SPOKEN.includes(answer.status)) return `a ${answer.status}`;
  const ids = answer.headers.get('x-request-id') ?? [];
  if (ids.length !== 1 || !/^[\w.-]{1,64}$/.test(ids[0] ?? '')) return `X-Request-Id: ${ids.join(' and ')}`;
  for (const [name, value] of [
    ['cache-control', 'no-store'],
    ['x-content-type-options', 'nosniff'],
  ] as const) {
    const given = answer.headers.get(name)?.join();
    if (given !== value) return `${name}: ${given}`;
  }
  return undefined;
}

function faultOfHeaders(operation: Operation, answer: Answer): string | undefined {
  const { headers = {} } = operation.responses[answer.status] ?? {};
  const etag = answer.headers.get('etag');
  if ('ETag' in headers && !/^"[\x21\x23-\x7e]+"$/.test(etag?.join() ?? '')) return `ETag: ${etag}`;
  if (!('Location' in headers)) return undefined;
  const location = answer.headers.get('location')?.join() ?? '';
  return /^\/api\/v1\/[\w/-]+\/[\da-f-]{36}$/i.test(location) ? undefined : `Location: ${location}`;
}

function faultOfSuccess(operation: Operation, answer: Answer): string | undefined {
  const schema = operation.responses[answer.status]?.content?.['application/json']?.schema;
  if (schema === undefined) return answer.body.length === 0 ? undefined : 'a body where none is documented';
  if (!JSON_TYPE.test(typeOf(answer))) return `an answer of the type ${typeOf(answer)}`;
  const value = jsonOf(answer);
  const ofInstants = faultOfInstants(value);
  if (ofInstants) return ofInstants;
  if (!fits(schema, value)) return `not as documented: ${answer.body.toString().slice(0, 2_000)}`;
  const hasNext = typeof value === 'object' && value !== null && 'nextCursor' in value;
  // The next page of a search in a body is another body.
  if (operation.method === 'POST') return undefined;
  return hasNext === answer.headers.has('link') ? undefined : 'nextCursor without Link, or the other way round';
}

const INSTANT_FIELDS = ['start', 'end', 'at', 'time', 'createdAt', 'updatedAt', 'expiresAt', 'parkedAt'];
const WITH_MILLISECONDS = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;
/** Of weekly hours, which have the same names. */
const WALL_CLOCK = /^\d{2}:\d{2}$/;

/** Finds an instant that is not written with three digits of milliseconds. */
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

/** Whether a 400 for what is valid by its schemas is for a reason that none of them can say. */
function isBeyondTheSchema(answer: Answer): boolean {
  const checked = checkProblem(jsonOf(answer));
  const errors = 'value' in checked ? (checked.value.errors ?? []) : [];
  return (
    errors.length > 0 && errors.every(({ pointer, message }) => BEYOND_THE_SCHEMA.includes(`${pointer} ${message}`))
  );
}

/** What is wrong with an answer; undefined when nothing is. */
export function faultOf(plan: Plan, validity: Validity, answer: Answer): string | undefined {
  const { operation } = plan;
  const general = faultOfAny(answer);
  if (general) return general;
  if (plan.method === 'HEAD') return undefined;
  const refused = answer.status >= 400 ? faultOfProblem(answer) : undefined;
  if (refused) return refused;
  const succeeded = answer.status < 400;
  // Another method may be another operation, or none.
  if (plan.method !== operation.method) return undefined;
  const documented = Object.hasOwn(operation.responses, answer.status);
  if (!documented && (validity !== 'unknown' || !UNMATCHED.includes(answer.status)))
    return `a ${answer.status} that is not documented`;
  if (validity === 'invalid' && succeeded) return `${answer.status} for what the document calls invalid`;
  if (validity === 'valid' && answer.status === 400 && !isBeyondTheSchema(answer)) {
    return `400 for what the document calls valid: ${answer.body}`;
  }
  // A suffix may lead to another operation.
  if (!succeeded || plan.pathSuffix !== '') return undefined;
  return faultOfHeaders(operation, answer) ?? faultOfSuccess(operation, answer);
}
