/** The model: what a call does to a state, and what is to be answered. */
import { book, bookFirstFree, change, getHold, hold, release, reschedule } from './booking.ts';
import type { Answer, Call } from './calls.ts';
import { faultOf, type Outcome } from './expected.ts';
import {
  addException,
  addType,
  changeDoctor,
  changePatient,
  changeType,
  registerPatient,
  removeException,
  replaceSchedule,
} from './people.ts';
import { refuse } from './preconditions.ts';
import { explain, findSlots } from './searching.ts';
import type { State } from './state.ts';
import { stepBack } from './stepping-back.ts';
import { DAY } from './units.ts';
import { cancel, get, history, list, takeStep } from './visits.ts';

function act(state: State, call: Call, now: number, answer: Answer): Outcome {
  switch (call.do) {
    case 'register-patient':
      return registerPatient(state, call, now, answer);
    case 'change-patient':
      return changePatient(state, call, now, answer);
    case 'change-doctor':
      return changeDoctor(state, call, now, answer);
    case 'replace-schedule':
      return replaceSchedule(state, call);
    case 'add-exception':
      return addException(state, call, now, answer);
    case 'remove-exception':
      return removeException(state, call);
    case 'add-type':
      return addType(state, call, now, answer);
    case 'change-type':
      return changeType(state, call);
    case 'find-slots':
      return findSlots(state, call, now);
    case 'explain':
      return explain(state, call, now);
    default:
      return actOnAppointments(state, call, now, answer);
  }
}

type OnAppointments = Extract<
  Call,
  {
    do:
      | 'book'
      | 'book-first-free'
      | 'hold'
      | 'get-hold'
      | 'release'
      | 'reschedule'
      | 'change'
      | 'cancel'
      | 'take-step'
      | 'step-back'
      | 'get'
      | 'history'
      | 'list';
  }
>;

function actOnAppointments(state: State, call: OnAppointments, now: number, answer: Answer): Outcome {
  switch (call.do) {
    case 'book':
      return book(state, call, now, answer);
    case 'book-first-free':
      return bookFirstFree(state, call, now, answer);
    case 'hold':
      return hold(state, call, now, answer);
    case 'get-hold':
      return getHold(state, call, now);
    case 'release':
      return release(state, call, now);
    case 'reschedule':
      return reschedule(state, call, now);
    case 'change':
      return change(state, call, now);
    case 'cancel':
      return cancel(state, call);
    case 'take-step':
      return takeStep(state, call, now);
    case 'step-back':
      return stepBack(state, call, now);
    case 'get':
      return get(state, call);
    case 'history':
      return history(state, call);
    case 'list':
      return list(state, call);
  }
}

/** Successes and refusals of what was asked are kept; that something is not there, or malformed, is not. */
const isKept = ({ status }: Answer): boolean => status < 300 || status === 409 || status === 422;

/** What was asked, without what may differ between a request and its repetition. */
function askedBy({ key: _, ifMatch: __, ...asked }: Call): string {
  return JSON.stringify(asked);
}

/** What a call does. `answer` is for what the system chooses: ids of what is new. */
export function step(state: State, call: Call, now: number, answer: Answer): Outcome {
  const { key } = call;
  if (key === undefined) return act(state, call, now, answer);
  const first = state.kept.get(key);
  if (first && first.at > now - DAY) {
    if (first.asked === askedBy(call)) return { expected: { again: first.answer }, state };
    return refuse(state, 'idempotency-key-reused');
  }
  const { expected, state: after } = act(state, call, now, answer);
  return { expected, state: faultOf(expected, answer) ? after : keepAnswer(after, { call, answer }, now) };
}

/** The state in which an answer is given again to who asks again with its key. */
export function keepAnswer(state: State, { call, answer }: { call: Call; answer: Answer }, now: number): State {
  if (call.key === undefined || !isKept(answer)) return state;
  return { ...state, kept: new Map(state.kept).set(call.key, { asked: askedBy(call), answer, at: now }) };
}
