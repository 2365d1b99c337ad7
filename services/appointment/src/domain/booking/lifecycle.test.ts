import {
  APPOINTMENT_STATUSES,
  type Appointment,
  type AppointmentStatus,
  HISTORY_ACTIONS,
  type HistoryAction,
  ROLES,
} from '@daybook/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RETENTION_DAYS } from '../../jobs/reservation-retention.ts';
import { UNKNOWN_ID } from '../../testing.ts';
import {
  CANCELLATION_UNDO_DAYS,
  checkCancellable,
  checkCanStepBack,
  checkMovable,
  STEPS,
  type Step,
  statusAfter,
  statusBeforeLastStep,
} from './lifecycle.ts';

const appointment = (status: AppointmentStatus, more: Partial<Appointment> = {}): Appointment => ({
  id: UNKNOWN_ID,
  patientId: UNKNOWN_ID,
  doctorId: UNKNOWN_ID,
  appointmentTypeId: UNKNOWN_ID,
  start: '2026-11-23T14:00:00.000Z',
  end: '2026-11-23T14:30:00.000Z',
  timeZone: 'America/New_York',
  status,
  sequence: 0,
  needsRescheduling: false,
  version: 1,
  createdAt: '2026-11-01T00:00:00.000Z',
  updatedAt: '2026-11-01T00:00:00.000Z',
  ...more,
});

const wrongStatus = expect.objectContaining({ code: 'wrong-status' });
const notTheDay = expect.objectContaining({ code: 'not-the-day' });
const staff = { id: 'desk', role: 'front-desk', patientIds: [] } as const;
const patient = { id: 'ana', role: 'patient', patientIds: [] } as const;
const early = Temporal.Instant.from('2026-11-01T00:00:00.000Z');
const begun = Temporal.Instant.from('2026-11-23T14:00:00.000Z');

/** The whole table: the status after each step from each status. Steps that are missing are rejected. */
const table: Record<Step, Partial<Record<AppointmentStatus, AppointmentStatus>>> = {
  arrive: { booked: 'arrived' },
  'check-in': { booked: 'checked-in', arrived: 'checked-in' },
  fulfil: { arrived: 'fulfilled', 'checked-in': 'fulfilled' },
  'no-show': { booked: 'noshow' },
};

describe.each(Object.keys(STEPS).map((step) => ({ step: step as Step })))('the step $step', ({ step }) => {
  it.each(APPOINTMENT_STATUSES)('from %s is as in the table', (status) => {
    const after = table[step][status];
    if (after) expect(statusAfter(step, appointment(status), begun)).toBe(after);
    else expect(() => statusAfter(step, appointment(status), begun)).toThrow(wrongStatus);
  });
});

describe('before the visit begins', () => {
  const justBefore = begun.subtract({ milliseconds: 1 });

  it.each([
    ['no-show', 'booked'],
    ['fulfil', 'checked-in'],
  ] as const)('the step %s is refused with a reason', (step, status) => {
    expect(() => statusAfter(step, appointment(status), justBefore)).toThrow(
      expect.objectContaining({ code: 'wrong-status', message: expect.stringContaining('not begun') }),
    );
  });

  it.each([
    ['arrive', 'arrived'],
    ['check-in', 'checked-in'],
  ] as const)('the step %s can be taken on the day: patients come early', (step, after) => {
    // Midnight in New York.
    expect(statusAfter(step, appointment('booked'), Temporal.Instant.from('2026-11-23T05:00:00.000Z'))).toBe(after);
  });
});

describe.each(['arrive', 'check-in'] as const)('the step %s belongs to the day of the visit', (step) => {
  const take = (now: string, more: Partial<Appointment> = {}) =>
    statusAfter(step, appointment('booked', more), Temporal.Instant.from(now));

  it('in the zone of the doctor, and is rejected on the day before and the day after', () => {
    expect(() => take('2026-11-23T04:59:59.999Z')).toThrow(notTheDay);
    expect(take('2026-11-24T04:59:59.999Z')).toBe(STEPS[step].to);
    expect(() => take('2026-11-24T05:00:00.000Z')).toThrow(notTheDay);
    expect(() => take('2026-10-14T14:00:00.000Z')).toThrow(notTheDay);
  });

  it('which are two days where the visit crosses midnight', () => {
    const overnight = { start: '2026-11-24T04:30:00.000Z', end: '2026-11-24T05:30:00.000Z' };
    expect(() => take('2026-11-23T04:59:00.000Z', overnight)).toThrow(notTheDay);
    expect(take('2026-11-23T05:00:00.000Z', overnight)).toBe(STEPS[step].to);
    expect(take('2026-11-25T04:59:00.000Z', overnight)).toBe(STEPS[step].to);
    expect(() => take('2026-11-25T05:00:00.000Z', overnight)).toThrow(notTheDay);
  });

  it('and is one day where the visit ends at midnight', () => {
    const late = { start: '2026-11-24T04:30:00.000Z', end: '2026-11-24T05:00:00.000Z' };
    expect(() => take('2026-11-24T05:00:00.000Z', late)).toThrow(notTheDay);
  });

  it('also where the clock skips midnight', () => {
    // Beirut has no midnight on that day. It begins at 01:00, which is 22:00 in UTC.
    const spring = { timeZone: 'Asia/Beirut', start: '2026-03-29T07:00:00.000Z', end: '2026-03-29T07:30:00.000Z' };
    expect(() => take('2026-03-28T21:59:59.000Z', spring)).toThrow(notTheDay);
    expect(take('2026-03-28T22:00:00.000Z', spring)).toBe(STEPS[step].to);
  });
});

describe('what was not noted on the day of the visit', () => {
  const monthLater = Temporal.Instant.from('2026-12-23T14:00:00.000Z');

  it('is noted later: how the visit ended', () => {
    expect(statusAfter('fulfil', appointment('checked-in'), monthLater)).toBe('fulfilled');
    expect(statusAfter('no-show', appointment('booked'), monthLater)).toBe('noshow');
  });

  it('is noted as fulfilled without an arrival, from the day after on', () => {
    const midnight = Temporal.Instant.from('2026-11-24T05:00:00.000Z');
    expect(statusAfter('fulfil', appointment('booked'), midnight)).toBe('fulfilled');
    expect(() => statusAfter('fulfil', appointment('booked'), midnight.subtract({ seconds: 1 }))).toThrow(wrongStatus);
  });
});

describe('the status before the last step', () => {
  /** Returns the status before the last step of these actions, oldest first. */
  const before = (...actions: HistoryAction[]) =>
    statusBeforeLastStep(
      (async function* () {
        yield* actions.toReversed();
      })(),
    );

  it.each<[AppointmentStatus, HistoryAction[]]>([
    ['booked', ['booked', 'noshow']],
    ['booked', ['booked', 'rescheduled', 'cancelled']],
    ['booked', ['booked', 'flagged', 'checked-in']],
    ['arrived', ['booked', 'arrived', 'checked-in']],
    ['arrived', ['booked', 'arrived', 'fulfilled']],
    ['checked-in', ['booked', 'arrived', 'checked-in', 'fulfilled']],
    ['arrived', ['booked', 'arrived', 'checked-in', 'fulfilled', 'stepped-back']],
    ['booked', ['booked', 'arrived', 'checked-in', 'fulfilled', 'stepped-back', 'stepped-back']],
    ['booked', ['booked', 'noshow', 'stepped-back', 'rescheduled', 'arrived']],
    ['booked', ['booked', 'cancelled', 'stepped-back', 'flagged', 'cancelled']],
  ])('is %s after %j', async (status, actions) => {
    expect(await before(...actions)).toBe(status);
  });

  it('is that of a stack, whatever was taken back', async () => {
    const statuses: readonly string[] = APPOINTMENT_STATUSES;
    const steps = HISTORY_ACTIONS.filter((action) => !['booked', 'stepped-back'].includes(action));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...steps, 'stepped-back' as const), { maxLength: 30 }),
        async (some) => {
          const stack: string[] = ['booked'];
          const actions: HistoryAction[] = ['booked'];
          for (const action of some) {
            if (action === 'stepped-back' && stack.length === 1) continue;
            if (action === 'stepped-back') stack.pop();
            else if (statuses.includes(action)) stack.push(action);
            actions.push(action);
          }
          if (stack.length > 1) expect(await before(...actions)).toBe(stack.at(-2));
        },
      ),
    );
  });
});

describe('a step back', () => {
  const end = Temporal.Instant.from('2026-11-23T14:30:00.000Z');

  it.each(APPOINTMENT_STATUSES)('of an appointment that is %s is as in the table', (status) => {
    const attempt = () => checkCanStepBack(appointment(status), end);
    if (['arrived', 'checked-in', 'fulfilled', 'noshow', 'cancelled'].includes(status)) expect(attempt).not.toThrow();
    else expect(attempt).toThrow(wrongStatus);
  });

  it('takes back a cancellation up to seven days after the visit, and every other step at any time', () => {
    const last = end.add({ hours: CANCELLATION_UNDO_DAYS * 24 });
    const later = last.add({ milliseconds: 1 });
    expect(() => checkCanStepBack(appointment('cancelled'), last)).not.toThrow();
    expect(() => checkCanStepBack(appointment('cancelled'), later)).toThrow(notTheDay);
    expect(() => checkCanStepBack(appointment('noshow'), later)).not.toThrow();
  });

  it('takes back a cancellation only while the reservations of that time are kept', () => {
    expect(CANCELLATION_UNDO_DAYS).toBeLessThan(RETENTION_DAYS);
  });
});

it.each(APPOINTMENT_STATUSES)(
  'an appointment that is %s can be moved and cancelled only while it is to come',
  (status) => {
    const attempts = [
      () => checkMovable(appointment(status)),
      () => checkCancellable(appointment(status), staff, 0, early),
    ];
    for (const attempt of attempts) {
      if (['proposed', 'pending', 'booked', 'waitlist'].includes(status)) expect(attempt).not.toThrow();
      else expect(attempt).toThrow(wrongStatus);
    }
  },
);

describe('the cancellation deadline', () => {
  const cancel = (role: (typeof ROLES)[number], now: string, minutes = 120) =>
    checkCancellable(appointment('booked'), { ...patient, role }, minutes, Temporal.Instant.from(now));

  it('lets a patient cancel until it, and not later', () => {
    expect(() => cancel('patient', '2026-11-23T12:00:00.000Z')).not.toThrow();
    expect(() => cancel('patient', '2026-11-23T12:00:00.001Z')).toThrow(
      expect.objectContaining({ code: 'past-cancellation-deadline' }),
    );
  });

  it('is the start where the type has none', () => {
    expect(() => cancel('patient', '2026-11-23T14:00:00.000Z', 0)).not.toThrow();
    expect(() => cancel('patient', '2026-11-23T14:01:00.000Z', 0)).toThrow();
  });

  it.each(ROLES.filter((role) => role !== 'patient'))('does not bind the role %s', (role) => {
    expect(() => cancel(role, '2026-11-23T13:59:00.000Z')).not.toThrow();
  });
});
