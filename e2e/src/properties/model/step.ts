/** The model: the effect of a call on a state, and the expected response. */
import { book, bookFirstFree, change, getHold, hold, release, reschedule } from './booking.ts';
import type { ApiResponse, Call } from './calls.ts';
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
import { explain, findSlots } from './slot-search.ts';
import type { State } from './state.ts';
import { stepBack } from './step-back.ts';
import { DAY } from './units.ts';
import { cancel, get, history, list, takeStep } from './visits.ts';

function apply(state: State, call: Call, now: number, response: ApiResponse): Outcome {
  switch (call.do) {
    case 'register-patient':
      return registerPatient(state, call, now, response);
    case 'change-patient':
      return changePatient(state, call, now, response);
    case 'change-doctor':
      return changeDoctor(state, call, now, response);
    case 'replace-schedule':
      return replaceSchedule(state, call);
    case 'add-exception':
      return addException(state, call, now, response);
    case 'remove-exception':
      return removeException(state, call);
    case 'add-type':
      return addType(state, call, now, response);
    case 'change-type':
      return changeType(state, call);
    case 'find-slots':
      return findSlots(state, call, now);
    case 'explain':
      return explain(state, call, now);
    default:
      return applyToAppointments(state, call, now, response);
  }
}

type AppointmentCall = Extract<
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

function applyToAppointments(state: State, call: AppointmentCall, now: number, response: ApiResponse): Outcome {
  switch (call.do) {
    case 'book':
      return book(state, call, now, response);
    case 'book-first-free':
      return bookFirstFree(state, call, now, response);
    case 'hold':
      return hold(state, call, now, response);
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

/** Returns whether a response is stored: successes and refusals are, not-found and malformed ones are not. */
const isStored = ({ status }: ApiResponse): boolean => status < 300 || status === 409 || status === 422;

/** Returns the call without the fields that may differ in a repetition. */
function fingerprintOf({ key: _, ifMatch: __, ...fingerprint }: Call): string {
  return JSON.stringify(fingerprint);
}

/** Returns the effect of a call. `response` supplies what the system chooses, such as new ids. */
export function step(state: State, call: Call, now: number, response: ApiResponse): Outcome {
  const { key } = call;
  if (key === undefined) return apply(state, call, now, response);
  const first = state.storedResponses.get(key);
  if (first && first.at > now - DAY) {
    if (first.fingerprint === fingerprintOf(call)) return { expected: { replayOf: first.response }, state };
    return refuse(state, 'idempotency-key-reused');
  }
  const { expected, state: after } = apply(state, call, now, response);
  return { expected, state: faultOf(expected, response) ? after : storeResponse(after, { call, response }, now) };
}

/** Returns the state in which a repetition of the key returns this response. */
export function storeResponse(
  state: State,
  { call, response }: { call: Call; response: ApiResponse },
  now: number,
): State {
  if (call.key === undefined || !isStored(response)) return state;
  return {
    ...state,
    storedResponses: new Map(state.storedResponses).set(call.key, {
      fingerprint: fingerprintOf(call),
      response,
      at: now,
    }),
  };
}
