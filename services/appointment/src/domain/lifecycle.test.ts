import { APPOINTMENT_STATUSES, type Appointment, type AppointmentStatus, ROLES } from '@daybook/contracts';
import { describe, expect, it } from 'vitest';
import { NOBODY } from '../testing.ts';
import { checkCancellable, checkMovable, STEPS, type Step, statusAfter } from './lifecycle.ts';

const appointment = (status: AppointmentStatus): Appointment => ({
  id: NOBODY,
  patientId: NOBODY,
  doctorId: NOBODY,
  appointmentTypeId: NOBODY,
  start: '2026-11-23T14:00:00Z',
  end: '2026-11-23T14:30:00Z',
  timeZone: 'America/New_York',
  status,
  sequence: 0,
  needsRescheduling: false,
  version: 1,
  createdAt: '2026-11-01T00:00:00Z',
  updatedAt: '2026-11-01T00:00:00Z',
});

const wrongStatus = expect.objectContaining({ code: 'wrong-status' });
const staff = { id: 'desk', role: 'front-desk' } as const;
const patient = { id: 'ana', role: 'patient' } as const;
const early = Temporal.Instant.from('2026-11-01T00:00:00Z');
const begun = Temporal.Instant.from('2026-11-23T14:00:00Z');

/** The whole table: what each step makes of each status. What is not here is refused. */
const table: Record<Step, Partial<Record<AppointmentStatus, AppointmentStatus>>> = {
  arrive: { booked: 'arrived' },
  'check-in': { booked: 'checked-in', arrived: 'checked-in' },
  fulfil: { arrived: 'fulfilled', 'checked-in': 'fulfilled' },
  'no-show': { booked: 'noshow' },
};

describe.each(Object.keys(STEPS).map((step) => ({ step: step as Step })))('the step $step', ({ step }) => {
  it.each(APPOINTMENT_STATUSES)('from %s is as the table says', (status) => {
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
  ] as const)('the step %s is refused in words', (step, status) => {
    expect(() => statusAfter(step, appointment(status), justBefore)).toThrow(
      expect.objectContaining({ code: 'wrong-status', message: expect.stringContaining('not begun') }),
    );
  });

  it.each([
    ['arrive', 'arrived'],
    ['check-in', 'checked-in'],
  ] as const)('the step %s can be taken: patients come early', (step, after) => {
    expect(statusAfter(step, appointment('booked'), early)).toBe(after);
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
    expect(() => cancel('patient', '2026-11-23T12:00:00Z')).not.toThrow();
    expect(() => cancel('patient', '2026-11-23T12:00:00.001Z')).toThrow(
      expect.objectContaining({ code: 'past-cancellation-deadline' }),
    );
  });

  it('is the start where the type has none', () => {
    expect(() => cancel('patient', '2026-11-23T14:00:00Z', 0)).not.toThrow();
    expect(() => cancel('patient', '2026-11-23T14:01:00Z', 0)).toThrow();
  });

  it.each(ROLES.filter((role) => role !== 'patient'))('does not bind the role %s', (role) => {
    expect(() => cancel(role, '2026-11-23T13:59:00Z')).not.toThrow();
  });
});
