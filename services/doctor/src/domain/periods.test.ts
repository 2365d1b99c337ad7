import type { NewSchedule } from '@daybook/contracts';
import { expect, it } from 'vitest';
import { periodsOf, scheduleOn, UNBOUNDED_START, withoutUnboundedStart } from './periods.ts';
import { dayAt, midnightOf } from './wall-clock.ts';

const from = (validFrom: string | undefined, timeZone = 'UTC'): NewSchedule => ({
  timeZone,
  weeklyHours: [],
  ...(validFrom !== undefined && { validFrom }),
});
const on = (date: string) => () => midnightOf(date);

it('the hours of a period hold through the day before the next begins', () => {
  const periods = periodsOf([from(undefined), from('2026-03-01'), from('2028-03-01')]);
  expect(periods.map(({ validThrough }) => validThrough)).toEqual(['2026-02-28', '2028-02-29', undefined]);
});

it('the first date that can be written is from always, and no other is', () => {
  expect(withoutUnboundedStart(from(UNBOUNDED_START))).toEqual(from(undefined));
  expect(withoutUnboundedStart(from('0000-01-02'))).toEqual(from('0000-01-02'));
  expect(scheduleOn([from(undefined)], on(UNBOUNDED_START))).toEqual(from(undefined));
});

it('without a period there is no schedule; before the first one there are no hours', () => {
  expect(scheduleOn([], on('2026-01-01'))).toBeUndefined();
  const periods = periodsOf([from('2026-03-01', 'Asia/Tokyo'), from('2026-04-01')]);
  expect(scheduleOn(periods, on('2026-02-28'))).toEqual({
    timeZone: 'Asia/Tokyo',
    weeklyHours: [],
    validThrough: '2026-02-28',
  });
  expect(scheduleOn(periods, on('2026-03-01'))).toBe(periods[0]);
});

it('of two periods that have begun, the later one is in force, each begun by its own calendar', () => {
  const periods = periodsOf([from(undefined, 'Asia/Tokyo'), from('2026-03-01', 'America/New_York')]);
  const zoneAt = (instant: string) => {
    const { epochMilliseconds } = Temporal.Instant.from(instant);
    return scheduleOn(periods, (timeZone) => dayAt(epochMilliseconds, timeZone))?.timeZone;
  };
  expect(zoneAt('2026-03-01T04:59:59.999Z')).toBe('Asia/Tokyo');
  expect(zoneAt('2026-03-01T05:00:00.000Z')).toBe('America/New_York');
});
