import { expect, test } from 'vitest';
import { cookie } from './cookie.ts';
import { matches } from './testing.ts';

const sends = (text: string | undefined) =>
  matches(cookie, { canary: 'yes' }, { headers: text === undefined ? {} : { cookie: text } });

test.each(['canary=yes', 'a=b; canary=yes', 'canary=yes;a=b', 'canary=no; canary=yes'])(
  'the cookie is in %j',
  (text) => {
    expect(sends(text)).toBe(true);
  },
);

test.each([undefined, '', 'canary', 'canary=', 'canary=yess', 'xcanary=yes', 'a=canary=yes'])(
  'the cookie is not in %j',
  (text) => {
    expect(sends(text)).toBe(false);
  },
);
