/** Checks that each rule accepts a correct small clinic, and reports single faults in it. */
import { describe, expect, it } from 'vitest';
import type { Call, Outcome } from '../calls.ts';
import type { FinalState } from '../final-state.ts';
import { RULES } from './index.ts';

const CELL_MILLIS = 5 * 60 * 1000;
const NINE = Temporal.Instant.from('2026-12-01T09:00:00.000Z').epochMilliseconds;
const HALF_HOUR = 30 * 60 * 1000;
const iso = (millis: number) => Temporal.Instant.fromEpochMilliseconds(millis).toString();
const times = (start: number) => ({ doctorId: 'noor', start: iso(start), end: iso(start + HALF_HOUR) });
const recordedEvent = (type: string, subject: string, sequence: number) => ({
  id: `${subject}-${sequence}`,
  type: `daybook.${type}.v1`,
  subject,
  sequence,
});

const cellsOf = (holderId: string, start: number) =>
  ['noor', 'ana'].flatMap((resourceId) =>
    Array.from({ length: 6 }, (_, index) => ({
      ...{ resourceId, holderId, seat: 0, expiresAt: null },
      cell: start / CELL_MILLIS + index,
    })),
  );

const done = (version: number, start: number, status = 'booked', sequence = 0): Outcome => ({
  is: 'done',
  status: 200,
  resource: { id: 'visit', patientId: 'ana', ...times(start), status, sequence, version },
});
const call = (key: string, operation: Call['operation'], ...outcomes: Outcome[]): Call => ({
  key,
  operation,
  isKeyed: true,
  outcomes,
});
const refused: Outcome = { is: 'refused', status: 409, code: 'slot-taken' };
const unknown: Outcome = { is: 'unknown', reason: 'ECONNRESET' };
const operation = { patientId: 'ana', doctorId: 'noor', start: iso(NINE) };
const MOVED = NINE + HALF_HOUR;

/**
 * Booked for nine after a lost response, and moved by half an hour. Another call was refused, and a patient registered.
 */
const RIGHT: FinalState = {
  calls: [
    call('book-1', { do: 'book', ...operation }, unknown, done(1, NINE), done(1, NINE)),
    call('move-1', { do: 'move', id: 'visit', doctorId: 'noor', start: iso(MOVED) }, done(2, MOVED, 'booked', 1)),
    call('book-2', { do: 'book', ...operation }, refused),
    call('name-1', { do: 'register' }, { is: 'done', status: 201, resource: { id: 'ben' } }),
  ],
  appointments: [
    {
      ...{ id: 'visit', patientId: 'ana', doctorId: 'noor', status: 'booked', sequence: 1, reason: 'book-1' },
      ...{ startsAt: MOVED, endsAt: MOVED + HALF_HOUR, version: 2 },
    },
  ],
  history: [
    { appointmentId: 'visit', version: 1, action: 'booked', sequence: 0, to: times(NINE), reason: 'book-1' },
    { appointmentId: 'visit', version: 2, action: 'rescheduled', sequence: 1, to: times(MOVED) },
  ],
  reservations: cellsOf('visit', MOVED),
  holdIds: [],
  messages: [
    { appointmentId: 'visit', sequence: 1, kind: 'booked', createdAt: 100 },
    { appointmentId: 'visit', sequence: 2, kind: 'rescheduled', createdAt: 200 },
  ],
  patients: [{ id: 'ben', key: 'name-1' }],
  remainingRows: new Map([['appointment.outbox', 0]]),
  queuedMessages: new Map([['daybook.notification.messages', 0]]),
  recorded: [
    recordedEvent('patient.registered', 'ben', 1),
    recordedEvent('appointment.booked', 'visit', 1),
    recordedEvent('appointment.booked', 'visit', 1),
    recordedEvent('appointment.rescheduled', 'visit', 2),
    recordedEvent('appointment.booked', 'visit', 1),
  ],
};

const broken = (change: Partial<FinalState>): string[] =>
  RULES.filter((rule) => rule.findViolations({ ...RIGHT, ...change }).length > 0).map(({ name }) => name);

const [visit] = RIGHT.appointments;
if (!visit) throw new Error('there is no visit');
const second = { ...visit, id: 'other', reason: 'book-3' };
const [booked, moved] = RIGHT.history;
const [firstMessage, secondMessage] = RIGHT.messages;
if (!booked || !moved || !firstMessage || !secondMessage) throw new Error('there is no history');

describe('the rules of the checker', () => {
  it('pass records of calls in any order', () => {
    const calls = [9, 3, 3].map((time, n) => ({ ...recordedEvent('audit.recorded', 'group', time), id: `call-${n}` }));
    expect(broken({ recorded: [...RIGHT.recorded, ...calls] })).toEqual([]);
  });

  it('pass what is right', () => {
    expect(broken({})).toEqual([]);
  });

  it.each<[string, string, Partial<FinalState>]>([
    [
      'two visits of a doctor overlap in part',
      'no double booking',
      {
        appointments: [
          visit,
          { ...second, patientId: 'ben', startsAt: MOVED + CELL_MILLIS, endsAt: MOVED + CELL_MILLIS + HALF_HOUR },
        ],
      },
    ],
    [
      'a patient has two visits at once',
      'no double booking',
      { appointments: [visit, { ...second, doctorId: 'sam' }] },
    ],
    [
      'a visit has lost a cell',
      'the cells that are taken are those of visits and holds',
      { reservations: RIGHT.reservations.slice(1) },
    ],
    [
      'the old time of what was moved is still taken',
      'the cells that are taken are those of visits and holds',
      { reservations: [...RIGHT.reservations, ...cellsOf('visit', NINE)] },
    ],
    [
      'what was confirmed is not there',
      'what was confirmed is there, as it was confirmed',
      { appointments: [], history: [] },
    ],
    ['a patient who was registered is not there', 'what was confirmed is there, as it was confirmed', { patients: [] }],
    [
      'a response shows another time than the history',
      'what was confirmed is there, as it was confirmed',
      { calls: [...RIGHT.calls, call('move-2', { do: 'cancel', id: 'visit' }, done(2, NINE, 'booked', 1))] },
    ],
    [
      'a retry has another response',
      'a retry has the same response',
      { calls: [...RIGHT.calls, call('book-4', { do: 'book', ...operation }, refused, done(1, NINE))] },
    ],
    [
      'what was refused is there',
      'what was refused did not happen',
      { calls: RIGHT.calls.map((one) => (one.key === 'book-1' ? { ...one, outcomes: [refused] } : one)) },
    ],
    [
      'one call registered two patients',
      'each call has its effect once at most',
      { patients: [...RIGHT.patients, { id: 'zoe', key: 'name-1' }] },
    ],
    [
      'a move without a request',
      'each call has its effect once at most',
      { calls: RIGHT.calls.filter(({ key }) => key !== 'move-1') },
    ],
    ['a version has no history', 'the history is complete, and agrees with the appointments', { history: [booked] }],
    [
      'the history ends elsewhere',
      'the history is complete, and agrees with the appointments',
      { history: [booked, { ...moved, to: times(NINE + 2 * HALF_HOUR) }] },
    ],
    [
      'a change was never published',
      'each change is published, and nothing else',
      { recorded: RIGHT.recorded.slice(0, 3) },
    ],
    [
      'something was published that never happened',
      'each change is published, and nothing else',
      { recorded: [...RIGHT.recorded, recordedEvent('appointment.cancelled', 'visit', 3)] },
    ],
    [
      'a change was published before the one before it',
      'the events of a subject are published in their order, each with one id',
      { recorded: RIGHT.recorded.toReversed().slice(1) },
    ],
    [
      'a change was published under two ids',
      'the events of a subject are published in their order, each with one id',
      { recorded: [...RIGHT.recorded, { ...recordedEvent('appointment.booked', 'visit', 1), id: 'another' }] },
    ],
    ['a message is missing', 'each change has its message, once', { messages: [firstMessage] }],
    [
      'a message is there twice',
      'each change has its message, once',
      { messages: [...RIGHT.messages, { ...secondMessage, createdAt: 300 }] },
    ],
    [
      'the second message is older than the first',
      'the messages of an appointment were made in the order of its changes',
      { messages: [firstMessage, { ...secondMessage, createdAt: 50 }] },
    ],
    [
      'an event is still in an outbox',
      'outboxes and queues are empty, and nothing is parked',
      { remainingRows: new Map([['appointment.outbox', 1]]) },
    ],
    [
      'a message is still in a queue',
      'outboxes and queues are empty, and nothing is parked',
      { queuedMessages: new Map([['daybook.notification.messages.dead', 1]]) },
    ],
  ])('notice that %s', (_, rule, change) => {
    expect(broken(change)).toContain(rule);
  });
});
