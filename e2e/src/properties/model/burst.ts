/**
 * Checks concurrent calls. Their responses are correct when they match some order of the calls.
 * Two things happen later: revalidation after a change, and the search for alternatives after a refusal.
 * While both are in progress, a read may combine the facts of one moment and the calendar of another.
 */
import { type ApiResponse, type Call, READS } from './calls.ts';
import { type Expected, faultOf, faultOfAlternatives, fieldOf } from './expected.ts';
import { changedParticipant, revalidate } from './revalidation.ts';
import type { State } from './state.ts';
import { step, storeResponse } from './step.ts';

export interface CompletedCall {
  readonly call: Call;
  readonly response: ApiResponse;
}

type Pending = CompletedCall | { readonly revalidate: string };

/** The model's expected response to a call, and the state of a path that it belongs to. */
interface Decision {
  readonly index: number;
  readonly expected: Expected;
}

/** The states from first to last in one order, with the decisions in between. */
interface Path {
  readonly states: readonly State[];
  readonly decided: ReadonlyMap<CompletedCall, Decision>;
}

const succeeded = ({ status, replayed }: ApiResponse): boolean => status < 300 && !replayed;

/** Returns whether one of two requests with one key was rejected because the other was still running. */
const isTooEarly = ({ call, response }: CompletedCall, others: readonly CompletedCall[]): boolean =>
  fieldOf(response.body, 'code') === 'idempotency-key-in-use' && others.some((other) => other.call.key === call.key);

/** Returns whether a move or a step back was refused because its basis changed before it was stored. */
const hasLostRace = ({ call, response }: CompletedCall, others: readonly CompletedCall[]): boolean =>
  (call.do === 'reschedule' || call.do === 'step-back' || call.do === 'change') &&
  fieldOf(response.body, 'code') === 'changed-meanwhile' &&
  others.some(
    (other) =>
      succeeded(other.response) &&
      (changedParticipant(other.call) ?? ('id' in other.call && other.call.id === call.id)),
  );

const without = (all: readonly CompletedCall[], one: CompletedCall): CompletedCall[] =>
  all.filter((other) => other !== one);

/** Yields every order of the writes in which each response matches the model's. */
function* pathsOf(path: Path, pending: readonly Pending[], now: number): Generator<Path> {
  const state = path.states.at(-1);
  if (!state || pending.length === 0) return yield path;
  for (const next of pending) {
    const others = pending.filter((other) => other !== next);
    if ('revalidate' in next) {
      yield* pathsOf({ ...path, states: [...path.states, revalidate(state, next.revalidate, now)] }, others, now);
      continue;
    }
    const outcome = step(state, next.call, now, next.response);
    if (faultOf(outcome.expected, next.response)) continue;
    const person = succeeded(next.response) ? changedParticipant(next.call) : undefined;
    const decided = new Map(path.decided).set(next, { index: path.states.length - 1, expected: outcome.expected });
    const after = person === undefined ? others : [...others, { revalidate: person }];
    yield* pathsOf({ states: [...path.states, outcome.state], decided }, after, now);
  }
}

/** Yields the facts of one moment with the calendar of another. */
function* mixturesOf(states: readonly State[]): Generator<State> {
  for (const facts of states) {
    for (const { appointments, holds } of states) yield { ...facts, appointments, holds };
  }
}

const hasRightAlternatives = (states: readonly State[], { response }: CompletedCall, expected: Expected, now: number) =>
  mixturesOf(states).some((state) => !faultOfAlternatives(expected, response, state, now));

const isRightWrite = (path: Path, write: CompletedCall, { index, expected }: Decision, now: number): boolean =>
  hasRightAlternatives(path.states.slice(index), write, expected, now);

const isRightRead = ({ states }: Path, read: CompletedCall, now: number): boolean =>
  mixturesOf(states).some((state) => {
    const { expected } = step(state, read.call, now, read.response);
    return !faultOf(expected, read.response) && hasRightAlternatives(states, read, expected, now);
  });

/** Returns the possible states after these responses; none when no order explains them. */
export function statesAfter(state: State, all: readonly CompletedCall[], now: number): State[] {
  const told = all.filter((one) => !isTooEarly(one, without(all, one)));
  const lost = told.filter((one) => hasLostRace(one, without(told, one)));
  const reads = told.filter(({ call }) => READS.includes(call.do));
  const writes = told.filter((one) => !reads.includes(one) && !lost.includes(one));
  const states: State[] = [];
  for (const path of pathsOf({ states: [state], decided: new Map() }, writes, now)) {
    const isRight =
      reads.every((read) => isRightRead(path, read, now)) &&
      path.decided.entries().every(([write, decision]) => isRightWrite(path, write, decision, now));
    const last = path.states.at(-1);
    if (isRight && last) states.push(lost.reduce((after, one) => storeResponse(after, one, now), last));
  }
  return states;
}
