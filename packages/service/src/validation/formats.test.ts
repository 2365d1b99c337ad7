import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  contrastAgainstWhite,
  isAccentColour,
  isInstant,
  isLanguageTag,
  isNetwork,
  isNetworkList,
  isPlainDate,
  isTimeZone,
} from './formats.ts';

describe('an instant', () => {
  it.each([
    '2026-11-23T14:00:00Z',
    '2026-11-23t14:00:00z',
    '2026-11-23T14:00:00.123456789Z',
    '2026-11-23T14:00:00-05:00',
    '2026-11-23T14:00:00+05:45',
    '2024-02-29T00:00:00Z',
    '2000-02-29T00:00:00Z',
    '0001-01-01T00:00:00Z',
    '9999-12-31T23:59:59Z',
    '0000-01-01T00:00:00-00:01',
  ])('may be %s', (text) => expect(isInstant(text)).toBe(true));

  it.each([
    ['without an offset', '2026-11-23T14:00:00'],
    ['with a zone instead of an offset', '2026-11-23T14:00:00[Europe/Berlin]'],
    ['with a zone and an offset', '2026-11-23T14:00:00+01:00[Europe/Berlin]'],
    ['that is only a date', '2026-11-23'],
    ['without seconds', '2026-11-23T14:00Z'],
    ['with a blank for the T', '2026-11-23 14:00:00Z'],
    ['in the basic format', '20261123T140000Z'],
    ['with an offset of hours only', '2026-11-23T14:00:00+05'],
    ['with an impossible offset', '2026-11-23T14:00:00+24:00'],
    ['on a day that is not there', '2026-02-29T00:00:00Z'],
    ['on a leap day that is not there', '1900-02-29T00:00:00Z'],
    ['on the 31st of a short month', '2026-11-31T00:00:00Z'],
    ['in the 25th hour', '2026-11-23T25:00:00Z'],
    ['at 24:00', '2026-11-23T24:00:00Z'],
    ['in the 61st minute', '2026-11-23T14:60:00Z'],
    ['in a year of five digits', '+12026-11-23T14:00:00Z'],
    ['with a comma', '2026-11-23T14:00:00,5Z'],
    ['that is a number', '1795442400'],
    ['that is empty', ''],
    ['with a line after it', '2026-11-23T14:00:00Z\n'],
    ['that is in the year 10000 of UTC', '9999-12-31T23:59:59-00:01'],
    ['that is before the year 0 of UTC', '0000-01-01T00:00:00+00:01'],
  ])('%s is refused', (_what, text) => expect(isInstant(text)).toBe(false));

  it('is accepted however its offset is written, and means the same', () => {
    const millis = fc.integer({ min: 0, max: 4_102_444_800_000 });
    const offset = fc.integer({ min: -23 * 60 - 59, max: 23 * 60 + 59 });
    fc.assert(
      fc.property(millis, offset, (epochMilliseconds, minutes) => {
        const instant = Temporal.Instant.fromEpochMilliseconds(epochMilliseconds);
        const sign = minutes < 0 ? '-' : '+';
        const [hours, rest] = [Math.trunc(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
        const zone = `${sign}${String(hours).padStart(2, '0')}:${String(rest).padStart(2, '0')}`;
        const text = instant.toString({ timeZone: zone });
        expect(isInstant(text)).toBe(true);
        expect(Temporal.Instant.from(text).equals(instant)).toBe(true);
      }),
    );
  });
});

describe('a date', () => {
  it('exists in the calendar', () => {
    for (const date of ['2026-11-23', '2024-02-29', '2000-02-29', '1900-01-01']) expect(isPlainDate(date)).toBe(true);
    for (const date of ['2026-02-29', '1900-02-29', '2026-13-01', '2026-00-10', '2026-04-31'])
      expect(isPlainDate(date)).toBe(false);
  });

  it.each(['', '2026-1-1', '26-01-01', '20260101', '2026-11-23T00:00:00Z', '2026-11-23[u-ca=hebrew]', ' 2026-11-23'])(
    'is not %j',
    (text) => expect(isPlainDate(text)).toBe(false),
  );

  it('is right for every day that Temporal can make, and for no other', () => {
    const numbers = fc.tuple(
      fc.integer({ min: 1, max: 9999 }),
      fc.integer({ min: 0, max: 13 }),
      fc.integer({ min: 0, max: 32 }),
    );
    fc.assert(
      fc.property(numbers, ([year, month, day]) => {
        const text = [String(year).padStart(4, '0'), ...[month, day].map((part) => String(part).padStart(2, '0'))].join(
          '-',
        );
        const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
        const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        expect(isPlainDate(text)).toBe(day >= 1 && day <= (days[month - 1] ?? 0));
      }),
    );
  });
});

describe('a time zone', () => {
  it('may be every zone that this machine knows', () => {
    for (const zone of Intl.supportedValuesOf('timeZone')) expect(isTimeZone(zone), zone).toBe(true);
    expect(isTimeZone('UTC')).toBe(true);
  });

  it.each([
    '',
    '+05:00',
    '-03:00',
    '+0530',
    'Z',
    'Europe/Atlantis',
    'New York',
    'Europe/Berlin ',
    '2026-11-23T14:00:00Z',
  ])('is not %j', (text) => expect(isTimeZone(text)).toBe(false));
});

it('knows addresses and networks, and lists of them', () => {
  for (const text of [
    '10.0.0.0/8',
    '0.0.0.0/0',
    '192.0.2.1',
    '::/0',
    'fd00::/8',
    '2001:db8::1/128',
    '::ffff:10.0.0.0/104',
  ])
    expect(isNetwork(text), text).toBe(true);
  for (const text of [
    '',
    '10.0.0/8',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '::/129',
    '10.0.0.0/',
    '1.2.3.4/8/8',
    'fe80::1%eth0',
    'host',
  ])
    expect(isNetwork(text), text).toBe(false);
  expect(isNetworkList('10.0.0.0/8,::1')).toBe(true);
  for (const text of ['', '10.0.0.0/8,', '10.0.0.0/8, ::1', '10.0.0.0/8;::1']) expect(isNetworkList(text)).toBe(false);
});

it('knows language tags of BCP 47', () => {
  for (const tag of ['en', 'pt-BR', 'zh-Hant-TW', 'de-CH-1996']) expect(isLanguageTag(tag)).toBe(true);
  for (const text of ['', 'e', 'pt_BR', 'English!', 'en,de', '-']) expect(isLanguageTag(text)).toBe(false);
});

describe('an accent colour', () => {
  it.each([
    ['#000000', 21],
    ['#ffffff', 1],
    ['#777777', 4.48],
    ['#767676', 4.54],
    ['#ff0000', 4],
    ['#0000ff', 8.59],
  ])('of %s has the contrast of WCAG against white', (colour, contrast) => {
    expect(contrastAgainstWhite(colour)).toBeCloseTo(contrast, 1);
  });

  it.each(['#000000', '#767676', '#0000FF', '#1f5f8b'])('may be %s', (text) => expect(isAccentColour(text)).toBe(true));

  it.each(['#777777', '#ff0000', '#ffffff', '#000', '000000', '#00000g', '#00000000', 'black', ''])(
    'is not %j',
    (text) => expect(isAccentColour(text)).toBe(false),
  );
});
