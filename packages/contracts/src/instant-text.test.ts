import { expect, it } from 'vitest';
import { instantText, instantTextOfMillis } from './instant-text.ts';

it.each([
  ['2026-11-23T14:00:00Z', '2026-11-23T14:00:00.000Z'],
  ['2026-11-23T14:00:00.1Z', '2026-11-23T14:00:00.100Z'],
  ['2026-11-23T14:00:00.120Z', '2026-11-23T14:00:00.120Z'],
  ['2026-11-23T14:00:00.123456789Z', '2026-11-23T14:00:00.123Z'],
  ['2026-11-23T15:00:00.5+01:00', '2026-11-23T14:00:00.500Z'],
])('the instant %s is written with three digits of milliseconds', (written, text) => {
  expect(instantText(Temporal.Instant.from(written))).toBe(text);
});

it('a time in milliseconds is written like its instant, before 1970 and in years of more than four digits, too', () => {
  for (const millis of [0, -1, 951_782_400_000, -62_198_755_200_000, 253_402_300_800_000]) {
    const instant = Temporal.Instant.fromEpochMilliseconds(millis);
    expect(instantTextOfMillis(millis)).toBe(instant.toString({ fractionalSecondDigits: 3 }));
    expect(instantText(instant)).toBe(instantTextOfMillis(millis));
  }
});
