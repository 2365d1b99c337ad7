import { MAX_CLOSURE_DAYS } from '@daybook/contracts';
import { expect, it } from 'vitest';
import { closureInterval } from './closure-interval.ts';

const timesOf = (startDate: string, endDate: string, timeZone: string): string => {
  const { start, end } = closureInterval({ startDate, endDate }, timeZone);
  return [start, end].map((millis) => Temporal.Instant.fromEpochMilliseconds(millis).toString()).join('/');
};

it.each([
  ['one day', '2026-12-25', '2026-12-25', 'America/New_York', '2026-12-25T05:00:00Z/2026-12-26T05:00:00Z'],
  ['a day of 23 hours', '2026-03-08', '2026-03-08', 'America/New_York', '2026-03-08T05:00:00Z/2026-03-09T04:00:00Z'],
  ['a day of 25 hours', '2026-11-01', '2026-11-01', 'America/New_York', '2026-11-01T04:00:00Z/2026-11-02T05:00:00Z'],
  [
    'a day without midnight',
    '2018-11-04',
    '2018-11-04',
    'America/Sao_Paulo',
    '2018-11-04T03:00:00Z/2018-11-05T02:00:00Z',
  ],
  ['several days, the last included', '2026-12-24', '2026-12-26', 'UTC', '2026-12-24T00:00:00Z/2026-12-27T00:00:00Z'],
  [
    'days around one that the zone skips',
    '2011-12-29',
    '2011-12-31',
    'Pacific/Apia',
    '2011-12-29T10:00:00Z/2011-12-31T10:00:00Z',
  ],
])('a closure of %s lasts from its first midnight to its last', (_, startDate, endDate, timeZone, times) => {
  expect(timesOf(startDate, endDate, timeZone)).toBe(times);
});

it.each([
  ['ends before it starts', '2026-12-25', '2026-12-24', 'UTC', 'invalid-interval'],
  ['is a day that the zone skips', '2011-12-30', '2011-12-30', 'Pacific/Apia', 'invalid-interval'],
  ['lasts too long', '2026-01-01', '2027-01-02', 'UTC', 'range-too-long'],
  ['begins before the years of RFC 3339', '0000-01-01', '0000-01-01', 'Asia/Tokyo', 'invalid-interval'],
  ['ends after the years of RFC 3339', '9999-12-31', '9999-12-31', 'America/New_York', 'invalid-interval'],
])('a closure that %s is refused', (_, startDate, endDate, timeZone, code) => {
  expect(() => closureInterval({ startDate, endDate }, timeZone)).toThrow(expect.objectContaining({ code }));
});

it('a closure may be a leap year long', () => {
  expect(MAX_CLOSURE_DAYS).toBe(366);
  expect(timesOf('2028-01-01', '2028-12-31', 'UTC')).toBe('2028-01-01T00:00:00Z/2029-01-01T00:00:00Z');
});
