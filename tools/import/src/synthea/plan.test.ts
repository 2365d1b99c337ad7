import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { plannedStart, visitMinutes } from './plan.ts';

const ZONE = 'America/New_York';
const NOW = Temporal.Instant.from('2026-11-23T15:00:00Z');
const at = (text: string) => Temporal.Instant.from(text);
const wallClock = (instant: Temporal.Instant) => instant.toZonedDateTimeISO(ZONE).toPlainDateTime().toString();

describe('the length of a visit', () => {
  test.each([
    ['10:00:00', 5],
    ['10:00:01', 5],
    ['10:05:00', 5],
    ['10:05:01', 10],
    ['10:15:00', 15],
  ])('until %s is %i minutes', (stop, minutes) => {
    expect(visitMinutes(at('2020-01-01T10:00:00Z'), at(`2020-01-01T${stop}Z`))).toBe(minutes);
  });
});

describe('the planned start', () => {
  test('keeps weekday and wall-clock time over a change of the clocks, and lies on the grid', () => {
    // A Friday in summer, and the next one in steps of 52 weeks, which is also in summer.
    expect(wallClock(plannedStart(at('2021-07-09T13:17:47Z'), ZONE, NOW))).toBe('2027-07-02T09:15:00');
  });

  test('is tomorrow at the earliest and 364 days later at the latest, by the calendar of the doctor', () => {
    const lateAtNight = at('2026-11-24T04:30:00Z');
    expect(wallClock(lateAtNight)).toBe('2026-11-23T23:30:00');
    expect(wallClock(plannedStart(at('2026-11-24T15:00:00Z'), ZONE, lateAtNight))).toBe('2026-11-24T10:00:00');
    expect(wallClock(plannedStart(at('2026-11-23T15:00:00Z'), ZONE, lateAtNight))).toBe('2027-11-22T10:00:00');
  });

  test('at a time that the clocks skip is the time after it', () => {
    // 2:30 on the second Sunday of March 2027. That date minus 104 weeks was not a clock change in 2025.
    expect(wallClock(plannedStart(at('2025-03-16T06:30:00Z'), ZONE, NOW))).toBe('2027-03-14T03:30:00');
  });

  test('of any moment is in the window, on its weekday, and the same for moments 52 weeks apart', () => {
    const seconds = fc.integer({ min: 0, max: 4_000_000_000 });
    fc.assert(
      fc.property(seconds, seconds, (start, now) => {
        const then = Temporal.Instant.fromEpochMilliseconds(start * 1000).toZonedDateTimeISO(ZONE);
        const today = Temporal.Instant.fromEpochMilliseconds(now * 1000);
        const planned = plannedStart(then.toInstant(), ZONE, today);
        const local = planned.toZonedDateTimeISO(ZONE);
        const days = today
          .toZonedDateTimeISO(ZONE)
          .toPlainDate()
          .until(local.toPlainDate(), { largestUnit: 'day' }).days;
        expect(days).toBeGreaterThanOrEqual(1);
        expect(days).toBeLessThanOrEqual(364);
        expect(local.dayOfWeek).toBe(then.dayOfWeek);
        expect(planned.epochMilliseconds % 300_000).toBe(0);
        const yearLater = then.toPlainDateTime().add({ weeks: 52 }).toZonedDateTime(ZONE);
        const sameClock = yearLater.toPlainTime().equals(then.toPlainTime());
        if (sameClock) expect(plannedStart(yearLater.toInstant(), ZONE, today).equals(planned)).toBe(true);
      }),
    );
  });
});
