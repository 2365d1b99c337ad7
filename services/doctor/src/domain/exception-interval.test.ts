import { expect, it } from 'vitest';
import { exceptionInterval } from './exception-interval.ts';

const interval = (start: string, end: string) => () => exceptionInterval({ start, end });

it('the time of an exception is that of its instants, whatever their offset', () => {
  const start = Temporal.Instant.from('2026-03-02T09:00:00.000Z').epochMilliseconds;
  expect(interval('2026-03-02T10:00:00+01:00', '2026-03-02T05:00:00-05:00')()).toEqual({
    start,
    end: start + 3_600_000,
  });
});

it('an exception ends after it starts, by a millisecond or more', () => {
  for (const end of ['2026-03-02T08:59:59.000Z', '2026-03-02T09:00:00.000Z', '2026-03-02T09:00:00.0009Z']) {
    expect(interval('2026-03-02T09:00:00.000Z', end)).toThrow(expect.objectContaining({ code: 'invalid-interval' }));
  }
  expect(interval('2026-03-02T09:00:00.000Z', '2026-03-02T09:00:00.001Z')).not.toThrow();
});

it('an exception lasts 366 days, and no longer', () => {
  expect(interval('2028-01-01T00:00:00.000Z', '2029-01-01T00:00:00.000Z')).not.toThrow();
  expect(interval('2028-01-01T00:00:00.000Z', '2029-01-01T00:00:00.001Z')).toThrow(
    expect.objectContaining({ code: 'range-too-long' }),
  );
});

it('an exception that only its offset takes out of the four-digit years is refused: it could not be shown', () => {
  const refused = expect.objectContaining({ code: 'invalid-interval' });
  expect(interval('9999-12-31T12:00:00-11:00', '9999-12-31T23:59:59-12:00')).toThrow(refused);
  expect(interval('0000-01-01T00:00:00+01:00', '0000-01-01T12:00:00.000Z')).toThrow(refused);
  expect(interval('0000-01-01T00:00:00.000Z', '0000-01-02T00:00:00.000Z')).not.toThrow();
});
