import { expect, test } from 'vitest';
import { findState } from './states.ts';

test.each([
  ['MA', 'MA', 'America/New_York'],
  ['Massachusetts', 'MA', 'America/New_York'],
  [' new mexico ', 'NM', 'America/Denver'],
  ['az', 'AZ', 'America/Phoenix'],
  ['Puerto Rico', 'PR', 'America/Puerto_Rico'],
])('%s is a state with a zone', (text, code, timeZone) => {
  expect(findState(text)).toEqual({ code, timeZone });
});

test.each(['', 'Bayern', 'XX', 'constructor'])('"%s" is not a state', (text) => {
  expect(findState(text)).toBeUndefined();
});

const CODES =
  'AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR ' +
  'PA RI SC SD TN TX UT VT VA WA WV WI WY AS GU MP PR VI';

test('all states and territories are known, in zones that exist', () => {
  for (const code of CODES.split(' ')) {
    const { timeZone } = findState(code) ?? { timeZone: 'none' };
    expect(Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(timeZone).timeZoneId).toBe(timeZone);
  }
});
