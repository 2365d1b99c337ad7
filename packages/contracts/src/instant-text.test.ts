import { expect, it } from 'vitest';
import { instantText } from './instant-text.ts';

it.each([
  ['2026-11-23T14:00:00Z', '2026-11-23T14:00:00.000Z'],
  ['2026-11-23T14:00:00.1Z', '2026-11-23T14:00:00.100Z'],
  ['2026-11-23T14:00:00.120Z', '2026-11-23T14:00:00.120Z'],
  ['2026-11-23T14:00:00.123456789Z', '2026-11-23T14:00:00.123Z'],
  ['2026-11-23T15:00:00.5+01:00', '2026-11-23T14:00:00.500Z'],
])('the instant %s is written with three digits of milliseconds', (written, text) => {
  expect(instantText(Temporal.Instant.from(written))).toBe(text);
});
