/**
 * In every zone, slots can be booked and wall-clock time belongs to its place.
 * The slots offered are the starts that booking accepts.
 * A time that a clock change skips is not offered, and one that it repeats is offered once.
 * The expected slots come from a second implementation: minute by minute, from Temporal's wall-clock time.
 *
 * Every day of every zone would take too long, so the test covers these stretches of two years:
 * - in each zone, a day and a half on both sides of every clock change, where time is skipped and repeated;
 * - in each zone, two more stretches of two days each, at random.
 * The days around a change let hours of another period begin or end there.
 * Practices (hours, periods, leave, bookings, rules) are random in each. Everything follows from SEED.
 */
import { type BookingFacts, type TypeRules, violationsAt } from '@daybook/appointment-service/domain/booking/rules.ts';
import { freeStarts } from '@daybook/appointment-service/domain/slots/slots.ts';
import { DAYS, type Hours, type Schedule } from '@daybook/contracts';
import { type ExceptionInterval, openIntervals } from '@daybook/doctor-service/domain/availability.ts';
import type { Interval } from '@daybook/doctor-service/domain/interval.ts';
import { clocksOver } from '@daybook/doctor-service/domain/wall-clock.ts';
import fc from 'fast-check';
import { expect, it } from 'vitest';

const SEED = 20_260_101;
const PRACTICES_AT_A_CHANGE = 3;
const PRACTICES_ELSEWHERE = 1;
/** Limits the time for shrinking a failing practice. */
const LONGEST_SHRINKING_MILLIS = 10_000;
const FIRST_DAY = Temporal.PlainDate.from('2026-01-01');
const DAYS_TRIED = 730;

const MINUTE = 60_000;
const CELL = 5 * MINUTE;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Longer than any clock change of these years repeats. */
const LOOK_BACK = 3 * HOUR;

/** A five-minute cell of a place: its wall-clock time, and whether that time came before. */
interface Shown {
  readonly date: string;
  readonly time: string;
  readonly day: Hours['day'] | undefined;
  readonly isRepeated: boolean;
}

interface Stretch {
  readonly timeZone: string;
  readonly range: Interval;
  readonly shown: readonly Shown[];
}

function walk(timeZone: string, range: Interval): Stretch {
  const shown: Shown[] = [];
  let latest = '';
  for (let instant = range.start - LOOK_BACK; instant < range.end; instant += CELL) {
    const zoned = Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(timeZone);
    const text = zoned.toPlainDateTime().toString({ smallestUnit: 'minute' });
    const isRepeated = text <= latest;
    if (!isRepeated) latest = text;
    const [date = '', time = ''] = text.split('T');
    if (instant >= range.start) shown.push({ date, time, day: DAYS[zoned.dayOfWeek - 1], isRepeated });
  }
  return { timeZone, range, shown };
}

const beginning = FIRST_DAY.toZonedDateTime('UTC').epochMilliseconds;

/** Returns every clock change of the zone in the tested years. */
function changesOf(timeZone: string): number[] {
  const changes: number[] = [];
  let at = Temporal.Instant.fromEpochMilliseconds(beginning).toZonedDateTimeISO(timeZone);
  for (;;) {
    const next = at.getTimeZoneTransition('next');
    if (!next || next.epochMilliseconds >= beginning + DAYS_TRIED * DAY) return changes;
    changes.push(next.epochMilliseconds);
    at = next;
  }
}

interface Practice {
  /**
   * Hours until some day of the stretch, with others from that day on. Without `before`, that day is the first of all.
   */
  readonly before: Hours[] | undefined;
  readonly after: Hours[];
  readonly changeAfterDays: number;
  readonly exceptions: ExceptionInterval[];
  readonly type: TypeRules;
  readonly now: number;
  readonly patientBusy: Interval;
  /** Requested starts, in cells of the stretch. */
  readonly starts: number[];
}

const wallTime = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;

const someHours = fc.oneof(
  fc.constant(DAYS.map((day): Hours => ({ day, start: '00:00', end: '24:00' }))),
  fc.array(
    fc
      .tuple(fc.constantFrom(...DAYS), fc.nat(1439), fc.oneof(fc.nat(1439), fc.constant(1439)))
      .map(([day, a, b]): Hours => ({ day, start: wallTime(Math.min(a, b)), end: wallTime(Math.max(a, b) + 1) })),
    { minLength: 6, maxLength: 20 },
  ),
);

const fives = (min: number, max: number) => fc.integer({ min: min / 5, max: max / 5 }).map((count) => count * 5);

const someType = fc.record({
  durationMinutes: fives(5, 120),
  bufferBeforeMinutes: fives(0, 20),
  bufferAfterMinutes: fives(0, 20),
  minimumNoticeMinutes: fc.nat(300),
  planningHorizonDays: fc.option(fc.integer({ min: 1, max: 4 }), { nil: 180, freq: 1 }),
  id: fc.constant('018f0000-0000-7000-8000-000000000000'),
  capacity: fc.integer({ min: 1, max: 2 }),
  active: fc.constant(true),
});

function somePractice({ start, end }: Interval): fc.Arbitrary<Practice> {
  const minutes = (end - start) / MINUTE;
  const interval = fc
    .tuple(fc.integer({ min: -60, max: minutes }), fc.integer({ min: 1, max: 300 }))
    .map(([from, length]) => ({ start: start + from * MINUTE, end: start + (from + length) * MINUTE }));
  const kind = fc.constantFrom('time-off' as const, 'extra-hours' as const);
  return fc.record({
    before: fc.option(someHours, { nil: undefined, freq: 4 }),
    after: someHours,
    changeAfterDays: fc.integer({ min: 0, max: minutes / 60 / 24 }),
    exceptions: fc.array(
      fc.tuple(kind, interval).map(([of, when]) => ({ kind: of, ...when })),
      { maxLength: 4 },
    ),
    type: someType,
    now: fc.integer({ min: -24 * 60, max: minutes / 2 }).map((minute) => start + minute * MINUTE + 1),
    patientBusy: interval,
    starts: fc.array(fc.nat(minutes / 5 - 1), { maxLength: 30 }),
  });
}

function periodsOf({ before, after, changeAfterDays }: Practice, { timeZone, shown }: Stretch): Schedule[] {
  const first = Temporal.PlainDate.from(shown[0]?.date ?? '').add({ days: changeAfterDays });
  const later = { timeZone, weeklyHours: after, validFrom: first.toString() };
  if (!before) return [later];
  return [{ timeZone, weeklyHours: before, validThrough: first.subtract({ days: 1 }).toString() }, later];
}

/** Returns prefix sums of the marks. Two of them decide whether an interval is marked whole, or not at all. */
function countsOf(marks: Uint8Array): Int32Array {
  const counts = new Int32Array(marks.length + 1);
  for (const [index, mark] of marks.entries()) counts[index + 1] = (counts[index] ?? 0) + (mark > 0 ? 1 : 0);
  return counts;
}

/** Minutes of the stretch. */
class Minutes {
  readonly marks: Uint8Array;
  readonly #start: number;

  constructor({ start, end }: Interval) {
    this.#start = start;
    this.marks = new Uint8Array((end - start) / MINUTE);
  }

  /** Changes the marks within the interval. */
  change({ start, end }: Interval, to: (mark: number) => number): void {
    const last = Math.min(this.marks.length, (end - this.#start) / MINUTE);
    for (let minute = Math.max(0, (start - this.#start) / MINUTE); minute < last; minute += 1) {
      this.marks[minute] = to(this.marks[minute] ?? 0);
    }
  }
}

/** Returns the doctor's minutes: the first occurrences of wall-clock hours, changed by the exceptions. */
function openMinutes(periods: readonly Schedule[], { exceptions }: Practice, { range, shown }: Stretch): Minutes {
  const open = new Minutes(range);
  for (const [cell, { date, time, day, isRepeated }] of shown.entries()) {
    if (isRepeated) continue;
    const period = periods.find(
      ({ validFrom = '', validThrough = '9999' }) => validFrom <= date && date <= validThrough,
    );
    const hours = period?.weeklyHours.filter((one) => one.day === day) ?? [];
    for (let minute = 0; minute < 5 && hours.length > 0; minute += 1) {
      const clock = `${time.slice(0, 4)}${Number(time.slice(4)) + minute}`;
      const works = hours.some(({ start, end }) => start <= clock && clock < end);
      open.marks[cell * 5 + minute] = works ? 1 : 0;
    }
  }
  for (const extra of exceptions.filter(({ kind }) => kind === 'extra-hours')) open.change(extra, () => 1);
  for (const leave of exceptions.filter(({ kind }) => kind === 'time-off')) open.change(leave, () => 0);
  return open;
}

/** The taken time of doctor and patient, in minutes for the test and in cells for the tested code. */
interface Taken {
  readonly seats: Minutes;
  readonly patient: Minutes;
}

const doctorTimeAt = (start: number, type: TypeRules): Interval => ({
  start: start - type.bufferBeforeMinutes * MINUTE,
  end: start + (type.durationMinutes + type.bufferAfterMinutes) * MINUTE,
});

function expectedStarts(practice: Practice, { range }: Stretch, open: Minutes, taken: Taken): number[] {
  const { type, now } = practice;
  const closed = countsOf(open.marks.map((mark) => (mark === 0 ? 1 : 0)));
  const full = countsOf(taken.seats.marks.map((mark) => (mark >= type.capacity ? 1 : 0)));
  const busy = countsOf(taken.patient.marks);
  const minuteOf = (instant: number) => Math.min(Math.max((instant - range.start) / MINUTE, 0), closed.length - 1);
  const none = (counts: Int32Array, { start, end }: Interval) => counts[minuteOf(start)] === counts[minuteOf(end)];
  const latest = now + type.planningHorizonDays * DAY;
  const starts: number[] = [];
  for (let start = range.start; start + type.durationMinutes * MINUTE <= range.end; start += CELL) {
    const visit = { start, end: start + type.durationMinutes * MINUTE };
    if (start < now + type.minimumNoticeMinutes * MINUTE || start > latest) continue;
    if (none(closed, visit) && none(busy, visit) && none(full, doctorTimeAt(start, type))) starts.push(start);
  }
  return starts;
}

const iso = (instant: number): string => Temporal.Instant.fromEpochMilliseconds(instant).toString();

function expectSame(what: string, starts: readonly number[], expected: readonly number[]): void {
  if (starts.join() !== expected.join()) expect([what, ...starts.map(iso)]).toEqual([what, ...expected.map(iso)]);
}

/** Expects offered, accepted and expected starts to be equal, within the stretch and around it. */
function expectShownIsBookable(facts: BookingFacts, range: Interval, expected: readonly number[]): void {
  const accepted: number[] = [];
  for (let start = range.start - HOUR; start < range.end + HOUR; start += CELL) {
    if (violationsAt(start, facts).length === 0) accepted.push(start);
  }
  expectSame('offered', [...freeStarts(facts)], expected);
  expectSame('accepted', accepted, expected);
}

const takeCells = (cells: Map<number, number>, { start, end }: Interval): void => {
  for (let cell = Math.floor(start / CELL); cell < end / CELL; cell += 1) cells.set(cell, (cells.get(cell) ?? 0) + 1);
};

/** Tests one practice. Returns the number of bookings. */
function tryPractice(practice: Practice, stretch: Stretch): number {
  const { range, timeZone } = stretch;
  const { type, now, exceptions, patientBusy, starts } = practice;
  const periods = periodsOf(practice, stretch);
  const open = openIntervals(periods, exceptions, clocksOver(range));
  const doctor = { id: 'noor', version: 1, timeZone, active: true, offers: undefined, open };
  const [takenOfDoctor, takenOfPatient] = [new Map<number, number>(), new Map<number, number>()];
  const facts: BookingFacts = { now, type, doctor, takenOfDoctor, takenOfPatient };
  const taken: Taken = { seats: new Minutes(range), patient: new Minutes(range) };
  takeCells(takenOfPatient, patientBusy);
  taken.patient.change(patientBusy, () => 1);
  const minutes = openMinutes(periods, practice, stretch);
  expectShownIsBookable(facts, range, expectedStarts(practice, stretch, minutes, taken));
  const booked: number[] = [];
  for (const offset of starts) {
    const start = range.start + offset * CELL;
    if (violationsAt(start, facts).length > 0) continue;
    booked.push(start);
    takeCells(takenOfDoctor, doctorTimeAt(start, type));
    taken.seats.change(doctorTimeAt(start, type), (seats) => seats + 1);
  }
  expect(Math.max(0, ...taken.seats.marks)).toBeLessThanOrEqual(type.capacity);
  expectShownIsBookable(facts, range, expectedStarts(practice, stretch, minutes, taken));
  return booked.length;
}

const zones = Intl.supportedValuesOf('timeZone');

/**
 * Tests the practices of one stretch. A failure names the seed, the stretch and the practice. Returns the number of
 * bookings.
 */
function tryStretch(stretch: Stretch, seed: number, numRuns: number): number {
  let booked = 0;
  const where = `${stretch.timeZone}, ${iso(stretch.range.start)} to ${iso(stretch.range.end)}`;
  fc.assert(
    fc.property(fc.constant(where), somePractice(stretch.range), (_where, practice) => {
      booked += tryPractice(practice, stretch);
    }),
    { seed, numRuns, interruptAfterTimeLimit: LONGEST_SHRINKING_MILLIS, markInterruptAsFailure: true },
  );
  return booked;
}

it('around every clock change of every zone, what is offered is what is accepted, and no two take the same time', () => {
  const seen = { changes: 0, repeating: 0, booked: 0 };
  for (const timeZone of zones) {
    for (const change of changesOf(timeZone)) {
      const stretch = walk(timeZone, { start: change - 36 * HOUR, end: change + 36 * HOUR });
      seen.changes += 1;
      seen.repeating += stretch.shown.some(({ isRepeated }) => isRepeated) ? 1 : 0;
      seen.booked += tryStretch(stretch, SEED + seen.changes, PRACTICES_AT_A_CHANGE);
    }
  }
  // Proves that changes were tested: about 130 zones change their clocks four times in two years, alternately
  // backwards.
  expect(seen.changes).toBeGreaterThan(400);
  expect(seen.repeating).toBeGreaterThan(200);
  expect(seen.booked).toBeGreaterThan(seen.changes);
}, 120_000);

it('on any other days of every zone, what is offered is what is accepted, and no two take the same time', () => {
  const days = fc.sample(fc.nat(DAYS_TRIED - 2), { seed: SEED, numRuns: 2 * zones.length });
  let booked = 0;
  for (const [index, day] of days.entries()) {
    const start = beginning + day * DAY;
    const stretch = walk(zones[index % zones.length] ?? '', { start, end: start + 2 * DAY });
    booked += tryStretch(stretch, SEED + index, PRACTICES_ELSEWHERE);
  }
  expect(booked).toBeGreaterThan(zones.length);
}, 120_000);
