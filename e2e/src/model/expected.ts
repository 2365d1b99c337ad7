/** What the model expects to be answered, and whether an answer is that. */
import { isDeepStrictEqual } from 'node:util';
import type { Answer } from './calls.ts';
import { alternativesTo, type Wish } from './rules.ts';
import type { State } from './state.ts';

/** One that is as good as another is in `codes` as well. */
export interface Refused {
  readonly codes: readonly string[];
  /** With the nearest free slots. */
  readonly wish?: Wish;
}

export interface Done {
  readonly status: number;
  readonly body: unknown;
  readonly version?: number;
  readonly location?: string;
  /** Of an explanation: with the nearest free slots as well, where there is a wish that cannot be. */
  readonly explained?: { readonly wish?: Wish };
}

/** The first answer again. */
export interface Replayed {
  readonly again: Answer;
}

/** Whatever is answered is right. */
export interface Anything {
  readonly anything: true;
}

export type Expected = Refused | Done | Replayed | Anything;

/** What comes of a call. */
export interface Outcome {
  readonly expected: Expected;
  readonly state: State;
}

/** When exactly it was, and how it is said: not for the model to foresee. */
const UNFORESEEN = ['createdAt', 'updatedAt', 'at', 'detail'];

export function fieldOf(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null
    ? Object.entries(body).find(([key]) => key === name)?.[1]
    : undefined;
}

function foreseen(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(foreseen);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([name, field]) => !UNFORESEEN.includes(name) && field !== undefined);
  return Object.fromEntries(fields.map(([name, field]) => [name, foreseenField(name, field)]));
}

/** Of who did it the role, of a cursor that there is one. */
function foreseenField(name: string, field: unknown): unknown {
  if (name === 'by') return byRole(field);
  return name === 'nextCursor' ? true : foreseen(field);
}

const byRole = (by: unknown): unknown => fieldOf(by, 'role') ?? by;

export const isSame = (told: unknown, expected: unknown): boolean =>
  isDeepStrictEqual(foreseen(told), foreseen(expected));

const show = (value: unknown): string => JSON.stringify(foreseen(value), undefined, 1);

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

function faultOfRefusal({ codes }: Refused, { status, body }: Answer): string | undefined {
  const code = String(fieldOf(body, 'code'));
  if (!codes.includes(code)) return `expected ${codes.join(' or ')}, got ${status} ${show(body)}`;
  const due = STATUSES[code] ?? 422;
  return status === due ? undefined : `${code} is ${due}, got ${status}`;
}

const withoutAlternatives = (body: unknown): unknown => ({ ...Object(body), alternatives: undefined });

function faultOfDone({ status, body, version, location, explained }: Done, answer: Answer): string | undefined {
  if (answer.status !== status) return `expected ${status} ${show(body)}, got ${answer.status} ${show(answer.body)}`;
  if (answer.replayed) return 'nothing was to be replayed';
  if (!isSame(explained ? withoutAlternatives(answer.body) : answer.body, body))
    return `expected ${show(body)}, got ${show(answer.body)}`;
  if (version !== undefined && answer.etag !== `"${version}"`) return `expected ETag "${version}", got ${answer.etag}`;
  if (location !== undefined && answer.location !== location) return `expected ${location}, got ${answer.location}`;
  return undefined;
}

/** What is wrong with an answer, but for the alternatives of a refusal; undefined: nothing. */
export function faultOf(expected: Expected, answer: Answer): string | undefined {
  if ('anything' in expected) return undefined;
  if ('again' in expected) {
    const { again } = expected;
    return answer.replayed && answer.status === again.status && isDeepStrictEqual(answer.body, again.body)
      ? undefined
      : `expected the first answer again, ${show(again)}, got ${show(answer)}`;
  }
  return 'codes' in expected ? faultOfRefusal(expected, answer) : faultOfDone(expected, answer);
}

/** The alternatives that are due: none to some, no list at all to most. */
function alternativesDue(expected: Expected, answer: Answer, state: State, now: number): object[] | undefined {
  if ('explained' in expected && expected.explained) {
    const { wish } = expected.explained;
    return wish ? alternativesTo(state, wish, now) : [];
  }
  const isRefused = 'codes' in expected && fieldOf(answer.body, 'code') !== 'precondition-failed';
  return isRefused && expected.wish ? alternativesTo(state, expected.wish, now) : undefined;
}

/** What is wrong with the alternatives. */
export function faultOfAlternatives(expected: Expected, answer: Answer, state: State, now: number): string | undefined {
  if ('again' in expected) return undefined;
  const told = fieldOf(answer.body, 'alternatives');
  const due = alternativesDue(expected, answer, state, now);
  return isSame(told, due) ? undefined : `expected the alternatives ${show(due)}, got ${show(told)}`;
}
