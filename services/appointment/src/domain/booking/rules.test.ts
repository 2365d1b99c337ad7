import { type AppointmentType, MAX_SLOT_DAYS } from '@daybook/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { at, iso, UNKNOWN_ID } from '../../testing.ts';
import type { Interval } from '../slots/grid.ts';
import { firstSlots, freeStarts, nearestSlots } from '../slots/slots.ts';
import { type BookingFacts, violationsAt } from './rules.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
const now = at('2026-11-02T08:00:00.000Z');

const type = (rules: Partial<AppointmentType> = {}): AppointmentType => ({
  id: UNKNOWN_ID,
  name: 'Follow-up',
  durationMinutes: 30,
  bufferBeforeMinutes: 0,
  bufferAfterMinutes: 0,
  minimumNoticeMinutes: 0,
  planningHorizonDays: 180,
  cancellationDeadlineMinutes: 0,
  capacity: 1,
  active: true,
  version: 1,
  createdAt: '2026-11-01T00:00:00.000Z',
  updatedAt: '2026-11-01T00:00:00.000Z',
  ...rules,
});

const hours = (start: string, end: string): Interval => ({ start: at(start), end: at(end) });

/** Returns the cells of an interval, each with `seats` taken. */
function taken(start: string, end: string, seats = 1): Map<number, number> {
  const cells = new Map<number, number>();
  for (let time = at(start); time < at(end); time += 5 * MINUTE) cells.set(time / (5 * MINUTE), seats);
  return cells;
}

interface Circumstances extends Partial<Omit<BookingFacts, 'type' | 'doctor'>> {
  rules?: Partial<AppointmentType>;
  open?: Interval[];
  closed?: Interval[];
  active?: boolean;
  timeZone?: string;
}

function facts({
  rules,
  open,
  closed,
  active = true,
  timeZone = 'America/New_York',
  ...more
}: Circumstances = {}): BookingFacts {
  return {
    now,
    type: type(rules),
    doctor: {
      id: UNKNOWN_ID,
      version: 1,
      timeZone,
      active,
      offers: undefined,
      open: open ?? [hours('2026-11-03T14:00:00.000Z', '2026-11-03T22:00:00.000Z')],
      closed,
    },
    takenOfDoctor: new Map(),
    takenOfPatient: new Map(),
    ...more,
  };
}

const violations = (start: string, circumstances?: Circumstances) => violationsAt(at(start), facts(circumstances));

describe('what stands in the way of a start', () => {
  it('is nothing when the doctor works and both are free', () => {
    expect(violations('2026-11-03T14:00:00.000Z')).toEqual([]);
  });

  it('is a doctor who takes no new appointments', () => {
    expect(violations('2026-11-03T14:00:00.000Z', { active: false })).toEqual(['doctor-inactive']);
  });

  it('is a type that is not in use', () => {
    expect(violations('2026-11-03T14:00:00.000Z', { rules: { active: false } })).toEqual(['appointment-type-inactive']);
  });

  it('is the grid of five minutes', () => {
    for (const start of ['2026-11-03T14:01:00.000Z', '2026-11-03T14:05:01.000Z', '2026-11-03T14:04:59.999Z']) {
      expect(violations(start)).toEqual(['not-on-grid']);
    }
    expect(violations('2026-11-03T14:05:00.000Z')).toEqual([]);
  });

  it('is the past, but not the present', () => {
    const open = [hours('2026-11-02T00:00:00.000Z', '2026-11-03T00:00:00.000Z')];
    expect(violations('2026-11-02T07:55:00.000Z', { open })).toEqual(['too-soon']);
    expect(violations('2026-11-02T08:00:00.000Z', { open })).toEqual([]);
  });

  it('is the minimum notice, to the minute', () => {
    const rules = { minimumNoticeMinutes: 31 * 60 };
    expect(violations('2026-11-03T14:55:00.000Z', { rules })).toEqual(['too-soon']);
    expect(violations('2026-11-03T15:00:00.000Z', { rules })).toEqual([]);
  });

  it('is the minimum notice in real hours also when it ends on a day of a clock change', () => {
    // On 1 November the clocks of New York go back at 06:00 UTC. On 14 March they go forward at 07:00 UTC.
    const open = [
      hours('2026-10-31T00:00:00.000Z', '2026-11-05T00:00:00.000Z'),
      hours('2027-03-13T00:00:00.000Z', '2027-03-16T00:00:00.000Z'),
    ];
    const rules = { minimumNoticeMinutes: 24 * 60 };
    for (const [before, after] of [
      ['2026-10-31T14:00:00.000Z', '2026-11-01T14:00:00.000Z'],
      ['2026-11-01T05:30:00.000Z', '2026-11-02T05:30:00.000Z'],
      ['2027-03-13T14:00:00.000Z', '2027-03-14T14:00:00.000Z'],
    ] as const) {
      const circumstances = { now: at(before), rules, open };
      expect(violations(iso(at(after) - 5 * MINUTE), circumstances)).toEqual(['too-soon']);
      expect(violations(after, circumstances)).toEqual([]);
    }
  });

  it('is the planning horizon, in days of 24 hours, wherever the doctor works then', () => {
    // The clocks of New York go back, so the two days from 31 October to 2 November have 49 hours.
    const open = [hours('2026-10-31T00:00:00.000Z', '2026-11-05T00:00:00.000Z')];
    const circumstances = { now: at('2026-10-31T14:00:00.000Z'), rules: { planningHorizonDays: 2 }, open };
    for (const timeZone of ['America/New_York', 'UTC']) {
      expect(violations('2026-11-02T14:00:00.000Z', { ...circumstances, timeZone })).toEqual([]);
      expect(violations('2026-11-02T14:05:00.000Z', { ...circumstances, timeZone })).toEqual(['too-far-ahead']);
    }
  });

  it('is time before, after or between the hours', () => {
    const open = [
      hours('2026-11-03T14:00:00.000Z', '2026-11-03T16:00:00.000Z'),
      hours('2026-11-03T17:00:00.000Z', '2026-11-03T18:00:00.000Z'),
    ];
    for (const start of ['13:55', '15:35', '16:00', '16:55', '17:35']) {
      expect(violations(`2026-11-03T${start}:00.000Z`, { open })).toEqual(['outside-availability']);
    }
    for (const start of ['14:00', '15:30', '17:00', '17:30']) {
      expect(violations(`2026-11-03T${start}:00.000Z`, { open })).toEqual([]);
    }
  });

  it('is the closed clinic instead of the doctor’s hours, if any part of the visit is then', () => {
    const open = [hours('2026-11-03T14:00:00.000Z', '2026-11-03T16:00:00.000Z')];
    const closed = [hours('2026-11-03T16:00:00.000Z', '2026-11-03T20:00:00.000Z')];
    for (const start of ['15:35', '16:00', '19:55']) {
      expect(violations(`2026-11-03T${start}:00.000Z`, { open, closed })).toEqual(['clinic-closed']);
    }
    for (const start of ['13:55', '20:00']) {
      expect(violations(`2026-11-03T${start}:00.000Z`, { open, closed })).toEqual(['outside-availability']);
    }
    expect(violations('2026-11-03T15:30:00.000Z', { open, closed })).toEqual([]);
  });

  it('is not the closed clinic where the doctor works in spite of it', () => {
    const closed = [hours('2026-11-03T05:00:00.000Z', '2026-11-04T05:00:00.000Z')];
    expect(violations('2026-11-03T15:00:00.000Z', { closed })).toEqual([]);
  });

  it('is any part of the time that the doctor has given away', () => {
    const takenOfDoctor = taken('2026-11-03T15:00:00.000Z', '2026-11-03T15:05:00.000Z');
    for (const start of ['14:35', '15:00']) {
      expect(violations(`2026-11-03T${start}:00.000Z`, { takenOfDoctor })).toEqual(['slot-taken']);
    }
    for (const start of ['14:30', '15:05'])
      expect(violations(`2026-11-03T${start}:00.000Z`, { takenOfDoctor })).toEqual([]);
  });

  it("is the doctor's time before and after the visit", () => {
    const takenOfDoctor = taken('2026-11-03T15:00:00.000Z', '2026-11-03T15:05:00.000Z');
    const circumstances = { takenOfDoctor, rules: { bufferBeforeMinutes: 10, bufferAfterMinutes: 15 } };
    for (const start of ['14:20', '15:10']) {
      expect(violations(`2026-11-03T${start}:00.000Z`, circumstances)).toEqual(['slot-taken']);
    }
    for (const start of ['14:15', '15:15'])
      expect(violations(`2026-11-03T${start}:00.000Z`, circumstances)).toEqual([]);
  });

  it('is not that the buffers lie outside the hours', () => {
    const rules = { bufferBeforeMinutes: 30, bufferAfterMinutes: 30 };
    expect(violations('2026-11-03T14:00:00.000Z', { rules })).toEqual([]);
    expect(violations('2026-11-03T21:30:00.000Z', { rules })).toEqual([]);
  });

  it('is the capacity when it is reached', () => {
    const rules = { capacity: 3 };
    const seats = (count: number) => taken('2026-11-03T15:00:00.000Z', '2026-11-03T15:30:00.000Z', count);
    expect(violations('2026-11-03T15:00:00.000Z', { rules, takenOfDoctor: seats(2) })).toEqual([]);
    expect(violations('2026-11-03T15:00:00.000Z', { rules, takenOfDoctor: seats(3) })).toEqual(['slot-taken']);
  });

  it('is that the patient is elsewhere during the visit, the buffers aside', () => {
    const takenOfPatient = taken('2026-11-03T15:00:00.000Z', '2026-11-03T15:05:00.000Z');
    const circumstances = { takenOfPatient, rules: { bufferBeforeMinutes: 30, bufferAfterMinutes: 30, capacity: 3 } };
    expect(violations('2026-11-03T14:35:00.000Z', circumstances)).toEqual(['patient-busy']);
    expect(violations('2026-11-03T14:30:00.000Z', circumstances)).toEqual([]);
    expect(violations('2026-11-03T15:05:00.000Z', circumstances)).toEqual([]);
  });

  it('is everything at once, participants before times', () => {
    const all = violations('2026-11-02T07:01:00.000Z', {
      active: false,
      rules: { active: false },
      takenOfDoctor: taken('2026-11-02T07:00:00.000Z', '2026-11-02T07:05:00.000Z'),
      takenOfPatient: taken('2026-11-02T07:00:00.000Z', '2026-11-02T07:05:00.000Z'),
    });
    expect(all).toEqual([
      'doctor-inactive',
      'appointment-type-inactive',
      'not-on-grid',
      'too-soon',
      'outside-availability',
      'slot-taken',
      'patient-busy',
    ]);
  });
});

/** Returns whether a start can be booked, by a second implementation that counts minutes instead of cells. */
function canStart(start: number, { now: today, type: rules, doctor, walkIn, ...taken }: BookingFacts) {
  const { takenOfDoctor, takenOfPatient } = taken;
  const seatsAt = (taken: ReadonlyMap<number, number>, minute: number) => taken.get(Math.floor(minute / 5)) ?? 0;
  const first = start / MINUTE;
  const last = first + rules.durationMinutes;
  const horizon = Temporal.Instant.fromEpochMilliseconds(today)
    .toZonedDateTimeISO(doctor.timeZone)
    .add(Temporal.Duration.from({ days: rules.planningHorizonDays }));
  if (!doctor.active || !rules.active) return false;
  const isRunning = start <= today && today < start + 5 * MINUTE;
  const isTooSoon = start < today + rules.minimumNoticeMinutes * MINUTE && !(walkIn && isRunning);
  if (isTooSoon || start > horizon.epochMilliseconds) return false;
  for (let minute = first; minute < last; minute += 1) {
    if (!doctor.open.some((open) => open.start <= minute * MINUTE && (minute + 1) * MINUTE <= open.end)) return false;
    if (seatsAt(takenOfPatient, minute) > 0) return false;
  }
  for (let minute = first - rules.bufferBeforeMinutes; minute < last + rules.bufferAfterMinutes; minute += 1) {
    if (seatsAt(takenOfDoctor, minute) >= rules.capacity) return false;
  }
  return true;
}

const five = (max: number, min = 0) => fc.integer({ min: min / 5, max: max / 5 }).map((count) => count * 5);
const noon = at('2026-11-02T12:00:00.000Z');

const someTaken = fc
  .array(fc.tuple(fc.nat(400), fc.nat(12), fc.integer({ min: 1, max: 3 })), { maxLength: 6 })
  .map((stretches) => {
    const cells = new Map<number, number>();
    for (const [first, length, seats] of stretches) {
      for (let cell = first; cell < first + length; cell += 1) cells.set(noon / (5 * MINUTE) + cell, seats);
    }
    return cells;
  });

/** Intervals in order that do not touch, in whole minutes as working hours are. */
const someOpen = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 400 })), { maxLength: 5 })
  .map((gaps) => {
    let end = noon;
    return gaps.map(([pause, length]): Interval => {
      const start = end + pause * MINUTE;
      end = start + length * MINUTE;
      return { start, end };
    });
  });

const someFacts: fc.Arbitrary<BookingFacts> = fc
  .record({
    rules: fc.record({
      durationMinutes: five(90, 5),
      bufferBeforeMinutes: five(30),
      bufferAfterMinutes: five(30),
      minimumNoticeMinutes: fc.nat(600),
      planningHorizonDays: fc.integer({ min: 1, max: 2 }),
      capacity: fc.integer({ min: 1, max: 3 }),
    }),
    open: someOpen,
    now: fc.nat(600).map((minutes) => noon + (minutes - 300) * MINUTE + 12_345),
    timeZone: fc.constantFrom('UTC', 'America/New_York', 'Australia/Lord_Howe'),
    takenOfDoctor: someTaken,
    takenOfPatient: someTaken,
    walkIn: fc.boolean(),
  })
  .map((circumstances) => facts(circumstances));

describe('the free starts', () => {
  it('are those that can be booked, and no other, in order', () => {
    fc.assert(
      fc.property(someFacts, (given) => {
        const expected: number[] = [];
        for (let start = noon - 60 * MINUTE; start < noon + 3 * DAY; start += 5 * MINUTE) {
          if (canStart(start, given)) expected.push(start);
        }
        expect([...freeStarts(given)].map(iso)).toEqual(expected.map(iso));
      }),
      { numRuns: 300 },
    );
  });

  it('are none of a doctor or a type that is not in use', () => {
    expect([...freeStarts(facts({ active: false }))]).toEqual([]);
    expect([...freeStarts(facts({ rules: { active: false } }))]).toEqual([]);
  });

  it('of hours that begin off the grid begin on it', () => {
    const open = [hours('2026-11-03T14:02:00.000Z', '2026-11-03T15:09:00.000Z')];
    expect([...freeStarts(facts({ open }))].map(iso)).toEqual([
      '2026-11-03T14:05:00.000Z',
      '2026-11-03T14:10:00.000Z',
      '2026-11-03T14:15:00.000Z',
      '2026-11-03T14:20:00.000Z',
      '2026-11-03T14:25:00.000Z',
      '2026-11-03T14:30:00.000Z',
      '2026-11-03T14:35:00.000Z',
    ]);
  });
});

describe('the nearest slots', () => {
  it('are the free ones of which none that is left out is nearer, in time order', () => {
    const requestedStarts = fc.nat(3 * 288).map((cells) => noon + cells * 5 * MINUTE);
    fc.assert(
      fc.property(someFacts, requestedStarts, fc.integer({ min: 1, max: 8 }), (given, requestedStart, limit) => {
        const free = [...freeStarts(given)];
        const starts = nearestSlots(requestedStart, given, limit).map(({ start }) => at(start));
        expect(starts).toEqual(starts.toSorted((a, b) => a - b));
        expect(new Set(starts).size).toBe(Math.min(limit, free.length));
        const farthest = Math.max(...starts.map((start) => Math.abs(start - requestedStart)));
        for (const start of free.filter((other) => !starts.includes(other))) {
          expect(Math.abs(start - requestedStart)).toBeGreaterThanOrEqual(farthest);
        }
        for (const start of starts) expect(free).toContain(start);
      }),
    );
  });

  it('lie on both sides of the requested start', () => {
    const takenOfDoctor = taken('2026-11-03T16:00:00.000Z', '2026-11-03T16:30:00.000Z');
    const slots = nearestSlots(at('2026-11-03T16:00:00.000Z'), facts({ takenOfDoctor }), 3);
    expect(slots).toEqual([
      {
        doctorId: UNKNOWN_ID,
        start: '2026-11-03T15:25:00.000Z',
        end: '2026-11-03T15:55:00.000Z',
        timeZone: 'America/New_York',
        status: 'free',
      },
      expect.objectContaining({ start: '2026-11-03T15:30:00.000Z', end: '2026-11-03T16:00:00.000Z' }),
      expect.objectContaining({ start: '2026-11-03T16:30:00.000Z', end: '2026-11-03T17:00:00.000Z' }),
    ]);
  });
});

describe('the first slots of several doctors', () => {
  it('are the first of all of them before the end, in time order', () => {
    const until = noon + MAX_SLOT_DAYS * DAY;
    fc.assert(
      fc.property(fc.array(someFacts, { maxLength: 3 }), fc.integer({ min: 1, max: 9 }), (doctors, limit) => {
        const all = doctors
          .flatMap((given, index) => [...freeStarts(given)].map((start) => ({ start, index })))
          .map(({ start }) => iso(start))
          .sort();
        expect(firstSlots(doctors, until, limit).map(({ start }) => start)).toEqual(all.slice(0, limit));
      }),
    );
  });

  it('end before the range does', () => {
    const until = at('2026-11-03T14:10:00.000Z');
    expect(firstSlots([facts()], until, 9).map(({ start }) => start)).toEqual([
      '2026-11-03T14:00:00.000Z',
      '2026-11-03T14:05:00.000Z',
    ]);
  });
});
