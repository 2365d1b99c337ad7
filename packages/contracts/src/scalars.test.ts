import fc from 'fast-check';
import { Check } from 'typebox/value';
import { describe, expect, it } from 'vitest';
import { AppointmentQuery, NewAppointment } from './appointment.ts';
import { APPOINTMENT_TYPE_DEFAULTS, NewAppointmentType } from './appointment-type.ts';
import { DoctorQuery, Schedule } from './doctor.ts';
import { FreeText, Phone, VisibleText } from './scalars.ts';

describe('a text of one line', () => {
  const Name = VisibleText(10);

  it.each(['Ana', 'Ana Maria', ' x ', '李', 'अनीता', "O'Neil", 'Zoë', '👩‍⚕️'])('may be %j', (text) => {
    expect(Check(Name, text)).toBe(true);
  });

  it.each([
    '',
    ' ',
    '\u00a0',
    '\u200b',
    '\u00ad',
    '\u3164',
    '\u2800',
    ' \u202e\u200d',
    'a\nb',
    'a\u0000',
    '\u007f',
    'a\u0085b',
    '\ud800',
    'more than ten',
  ])('may not be %j', (text) => {
    expect(Check(Name, text)).toBe(false);
  });

  it('can always be stored as UTF-8 and read back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 0, max: 0xffff }), (text, unit) => {
        const candidate = text + String.fromCharCode(unit);
        fc.pre(Check(VisibleText(100), candidate));
        expect(Buffer.from(candidate).toString()).toBe(candidate);
      }),
    );
  });
});

describe('a text of several lines', () => {
  it('may have line breaks and tabs, but no other control characters and not only blanks', () => {
    const Reason = FreeText(100);
    expect(Check(Reason, 'follow-up\r\n\tbring the papers')).toBe(true);
    expect(Check(Reason, '\n\n\nlate')).toBe(true);
    for (const text of ['', '\n\t ', 'a\u0000b', 'a\u001b[31m', '\udfff']) expect(Check(Reason, text)).toBe(false);
  });
});

it('takes phone numbers in E.164 only', () => {
  for (const phone of ['+15551234567', '+12', '+123456789012345']) expect(Check(Phone(), phone)).toBe(true);
  for (const phone of ['5551234567', '+0555', '+1 555', '+1234567890123456', '+1', '+15551234567\n'])
    expect(Check(Phone(), phone)).toBe(false);
});

describe('weekly hours', () => {
  const check = (start: string, end: string) =>
    Check(Schedule, { timeZone: 'Europe/Berlin', weeklyHours: [{ day: 'monday', start, end }] });

  it('may end at 24:00, but not begin there', () => {
    expect(check('00:00', '24:00')).toBe(true);
    expect(check('24:00', '24:00')).toBe(false);
  });

  it.each(['9:00', '09:60', '25:00', '24:01', '09:00:00', '0９:00', '09:00\n'])('refuse %j as a time', (time) => {
    expect(check('00:00', time)).toBe(false);
    expect(check(time, '24:00')).toBe(false);
  });
});

describe('an appointment type', () => {
  it('needs a name and a duration and has defaults for the rest', () => {
    expect(Check(NewAppointmentType, { name: 'Follow-up', durationMinutes: 30 })).toBe(true);
    expect(Check(NewAppointmentType, { name: 'Follow-up' })).toBe(false);
    const said = Object.entries(NewAppointmentType.properties).flatMap(([name, schema]) =>
      'default' in schema ? [[name, schema.default]] : [],
    );
    expect(Object.fromEntries(said)).toEqual(APPOINTMENT_TYPE_DEFAULTS);
  });

  it('has durations and buffers on the grid of 5 minutes', () => {
    const type = (change: object) => Check(NewAppointmentType, { name: 'x', durationMinutes: 30, ...change });
    expect(type({ durationMinutes: 5, bufferBeforeMinutes: 0, bufferAfterMinutes: 10 })).toBe(true);
    for (const wrong of [{ durationMinutes: 0 }, { durationMinutes: 7 }, { bufferBeforeMinutes: 3 }, { capacity: 0 }])
      expect(type(wrong)).toBe(false);
  });
});

it('refuses what an appointment or a query does not have', () => {
  const id = '01900000-0000-7000-8000-000000000000';
  const booking = { patientId: id, doctorId: id, appointmentTypeId: id, start: '2026-11-23T14:00:00Z' };
  expect(Check(NewAppointment, booking)).toBe(true);
  expect(Check(NewAppointment, { ...booking, status: 'booked' })).toBe(false);
  expect(Check(DoctorQuery, { Q: 'a' })).toBe(false);
  expect(Check(AppointmentQuery, { status: 'done' })).toBe(false);
  expect(Check(AppointmentQuery, { status: 'noshow' })).toBe(true);
});
