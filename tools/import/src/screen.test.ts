import { expect, test } from 'vitest';
import { Screen } from './screen.ts';

function setUp(isTTY: boolean) {
  let now = 0;
  let text = '';
  const output = {
    isTTY,
    write(more: string) {
      text += more;
    },
  };
  const screen = new Screen(output, () => now);
  return {
    screen,
    pass(millis: number) {
      now += millis;
    },
    shown: () => text.replaceAll('\r\x1b[2K', '<clear>'),
  };
}

test('a terminal shows a bar, drawn anew now and then, and lines above it', () => {
  const { screen, pass, shown } = setUp(true);
  screen.progress('a.csv', 1, 0.1);
  pass(100);
  screen.progress('a.csv', 2, 0.5);
  screen.progress('a.csv', 3, 0.6);
  screen.say('a.csv, line 4: bad');
  screen.clear();
  const bar = `${'#'.repeat(15)}${'-'.repeat(15)}`;
  expect(shown()).toBe(`<clear>a.csv [${bar}] 50 %, 2 rows<clear>a.csv, line 4: bad\n<clear>`);
});

test('elsewhere a line comes every few seconds', () => {
  const { screen, pass, shown } = setUp(false);
  for (let rows = 1; rows <= 100; rows += 1) {
    screen.progress('a.csv', rows, rows / 100);
    pass(100);
  }
  screen.clear();
  expect(shown()).toBe('a.csv: 51 %, 51 rows\n');
});
