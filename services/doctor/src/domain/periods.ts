/** A schedule is a series of periods. The hours of each hold from its first day until the next period begins. */
import type { NewSchedule, Schedule } from '@daybook/contracts';
import { dayAt, midnightOf } from './wall-clock.ts';

/** The first date that can be written, which stands for no first day. */
export const UNBOUNDED_START = '0000-01-01';

/** Returns the schedule without a first day when that is `UNBOUNDED_START`. */
export const withoutUnboundedStart = ({ validFrom, ...hours }: NewSchedule): NewSchedule =>
  validFrom === undefined || validFrom === UNBOUNDED_START ? hours : { ...hours, validFrom };

const dayBefore = (date: string): string => Temporal.PlainDate.from(date).subtract({ days: 1 }).toString();

/** Returns the zone of the hours in force at an instant. */
export function zoneAt(instant: number, periods: readonly Schedule[]): string | undefined {
  const [first] = periods;
  if (periods.every(({ timeZone }) => timeZone === first?.timeZone)) return first?.timeZone;
  return scheduleOn(periods, (timeZone) => dayAt(instant, timeZone))?.timeZone;
}

/** Returns the periods in the order of their first days, each with its last day. */
export const periodsOf = (schedules: readonly NewSchedule[]): Schedule[] =>
  schedules.map((schedule, index) => {
    const next = schedules[index + 1]?.validFrom;
    return next === undefined ? schedule : { ...schedule, validThrough: dayBefore(next) };
  });

/** Returns the first and the last day of a period, as local midnights. */
export const daysOf = ({ validFrom, validThrough }: Schedule): { first: number; last: number } => ({
  first: validFrom === undefined ? Number.NEGATIVE_INFINITY : midnightOf(validFrom),
  last: validThrough === undefined ? Number.POSITIVE_INFINITY : midnightOf(validThrough),
});

/**
 * Returns the period in force on a day. `midnightIn` returns the local midnight of that day in a zone.
 * Each period begins by the calendar of its own zone.
 * Before the first period begins, the result has no hours. Undefined without any period.
 */
export function scheduleOn(
  periods: readonly Schedule[],
  midnightIn: (timeZone: string) => number,
): Schedule | undefined {
  const found = periods.findLast((period) => daysOf(period).first <= midnightIn(period.timeZone));
  const [first] = periods;
  if (found || first?.validFrom === undefined) return found;
  return { timeZone: first.timeZone, weeklyHours: [], validThrough: dayBefore(first.validFrom) };
}
