/** The expected response of the model, and the comparison with a response. */
import { isDeepStrictEqual } from 'node:util';
import type { ApiResponse } from './calls.ts';
import { alternativesTo, type BookingRequest } from './rules.ts';
import type { State } from './state.ts';

/** A refusal. `codes` contains every code that is equally correct. */
export interface Refused {
  readonly codes: readonly string[];
  /** A refusal with the nearest free slots. */
  readonly request?: BookingRequest;
}

export interface Done {
  readonly status: number;
  readonly body: unknown;
  readonly version?: number;
  readonly location?: string;
  /** For an explanation: includes the nearest free slots when the request cannot be booked. */
  readonly explained?: { readonly request?: BookingRequest };
}

/** The first response, repeated. */
export interface Replayed {
  readonly replayOf: ApiResponse;
}

/** Accepts any response. */
export interface Anything {
  readonly anything: true;
}

export type Expected = Refused | Done | Replayed | Anything;

/** The result of a call. */
export interface Outcome {
  readonly expected: Expected;
  readonly state: State;
}

/** Times and texts that the model cannot predict. */
const NOT_COMPARED = ['createdAt', 'updatedAt', 'at', 'detail'];

export function fieldOf(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null
    ? Object.entries(body).find(([key]) => key === name)?.[1]
    : undefined;
}

function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([name, field]) => !NOT_COMPARED.includes(name) && field !== undefined);
  return Object.fromEntries(fields.map(([name, field]) => [name, comparableField(name, field)]));
}

/** Returns the comparable part of a field: the role of an actor, and the existence of a cursor. */
function comparableField(name: string, field: unknown): unknown {
  if (name === 'by') return byRole(field);
  return name === 'nextCursor' ? true : comparable(field);
}

const byRole = (by: unknown): unknown => fieldOf(by, 'role') ?? by;

export const isSame = (actual: unknown, expected: unknown): boolean =>
  isDeepStrictEqual(comparable(actual), comparable(expected));

const show = (value: unknown): string => JSON.stringify(comparable(value), undefined, 1);

const STATUSES: Readonly<Record<string, number>> = {
  'invalid-request': 400,
  'not-found': 404,
  'slot-taken': 409,
  'patient-busy': 409,
  'hold-expired': 409,
  'nothing-free': 409,
  'wrong-status': 409,
  'not-the-day': 409,
  'changed-meanwhile': 409,
  'name-taken': 409,
  'idempotency-key-in-use': 409,
  'precondition-failed': 412,
};

function faultOfRefusal({ codes }: Refused, { status, body }: ApiResponse): string | undefined {
  const code = String(fieldOf(body, 'code'));
  if (!codes.includes(code)) return `expected ${codes.join(' or ')}, got ${status} ${show(body)}`;
  const due = STATUSES[code] ?? 422;
  return status === due ? undefined : `${code} is ${due}, got ${status}`;
}

const withoutAlternatives = (body: unknown): unknown => ({ ...Object(body), alternatives: undefined });

function faultOfDone({ status, body, version, location, explained }: Done, response: ApiResponse): string | undefined {
  if (response.status !== status)
    return `expected ${status} ${show(body)}, got ${response.status} ${show(response.body)}`;
  if (response.replayed) return 'nothing was to be replayed';
  if (!isSame(explained ? withoutAlternatives(response.body) : response.body, body))
    return `expected ${show(body)}, got ${show(response.body)}`;
  if (version !== undefined && response.etag !== `"${version}"`)
    return `expected ETag "${version}", got ${response.etag}`;
  if (location !== undefined && response.location !== location) return `expected ${location}, got ${response.location}`;
  return undefined;
}

/** Returns what is wrong with a response, except for alternatives; undefined without a fault. */
export function faultOf(expected: Expected, response: ApiResponse): string | undefined {
  if ('anything' in expected) return undefined;
  if ('replayOf' in expected) {
    const { replayOf } = expected;
    return response.replayed && response.status === replayOf.status && isDeepStrictEqual(response.body, replayOf.body)
      ? undefined
      : `expected the first response replayed, ${show(replayOf)}, got ${show(response)}`;
  }
  return 'codes' in expected ? faultOfRefusal(expected, response) : faultOfDone(expected, response);
}

/** Returns the expected alternatives: an empty list for some responses, and undefined for most. */
function alternativesDue(expected: Expected, response: ApiResponse, state: State, now: number): object[] | undefined {
  if ('explained' in expected && expected.explained) {
    const { request } = expected.explained;
    return request ? alternativesTo(state, request, now) : [];
  }
  const isRefused = 'codes' in expected && fieldOf(response.body, 'code') !== 'precondition-failed';
  return isRefused && expected.request ? alternativesTo(state, expected.request, now) : undefined;
}

/** Returns what is wrong with the alternatives. */
export function faultOfAlternatives(
  expected: Expected,
  response: ApiResponse,
  state: State,
  now: number,
): string | undefined {
  if ('replayOf' in expected) return undefined;
  const actual = fieldOf(response.body, 'alternatives');
  const due = alternativesDue(expected, response, state, now);
  return isSame(actual, due) ? undefined : `expected the alternatives ${show(due)}, got ${show(actual)}`;
}
