import { Check } from 'typebox/value';
import { describe, expect, it } from 'vitest';
import { Problem, type ProblemCode, problemOf, problems, Refusal } from './problem.ts';

const codes = Object.keys(problems).filter((code): code is ProblemCode => code in problems);
const slot = {
  doctorId: '01900000-0000-7000-8000-000000000000',
  start: '2026-11-23T14:00:00Z',
  end: '2026-11-23T14:30:00Z',
  timeZone: 'America/New_York',
  status: 'free' as const,
};

describe('the catalogue of problems', () => {
  it.each(codes)('names %s in kebab-case, with a status of a failure and a title', (code) => {
    expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(problems[code].status).toSatisfy((status: number) => status >= 400 && status <= 599);
    expect(problems[code].title).toMatch(/^[A-Z][^.]*$/);
  });

  it('has each refusal of a booking with the status that the API promises', () => {
    const status = (code: ProblemCode) => problems[code].status;
    const conflicts = ['slot-taken', 'patient-busy', 'wrong-status', 'past-cancellation-deadline'] as const;
    const impossible = [
      'clinic-closed',
      'outside-availability',
      'too-soon',
      'too-far-ahead',
      'doctor-inactive',
      'patient-inactive',
      'doctor-not-found',
      'patient-not-found',
      'not-on-grid',
    ] as const;
    expect(conflicts.map(status)).toEqual(conflicts.map(() => 409));
    expect(impossible.map(status)).toEqual(impossible.map(() => 422));
  });
});

describe('a problem document', () => {
  it('has every member of RFC 9457, the code and the trace', () => {
    const refusal = new Refusal('slot-taken', 'That time is taken.');
    expect(problemOf(refusal, '/api/v1/appointments', 'abc')).toEqual({
      type: 'urn:daybook:problem:slot-taken',
      title: 'That time is taken',
      status: 409,
      detail: 'That time is taken.',
      instance: '/api/v1/appointments',
      code: 'slot-taken',
      traceId: 'abc',
    });
  });

  it('carries faults and alternatives where there are any, and not the time to wait, which is a header', () => {
    const errors = [{ pointer: '/start', message: 'is needed' }];
    const refusal = new Refusal('slot-taken', 'Taken.', { errors, alternatives: [slot], retryAfterSeconds: 3 });
    const problem = problemOf(refusal, '/', 'abc');
    expect(problem).toMatchObject({ errors, alternatives: [slot] });
    expect(Object.keys(problem)).not.toContain('retryAfterSeconds');
  });

  it.each(codes)('of %s matches its schema', (code) => {
    expect(Check(Problem, problemOf(new Refusal(code, 'Why.', { alternatives: [slot] }), '/', 'abc'))).toBe(true);
  });
});
