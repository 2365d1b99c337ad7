import { expect, test } from 'vitest';
import { Progress } from './progress.ts';

function setUp(isTTY: boolean) {
  let now = 0;
  let text = '';
  const output = {
    isTTY,
    write(more: string) {
      text += more;
    },
  };
  const progress = new Progress(output, () => now);
  return {
    progress,
    pass(millis: number) {
      now += millis;
    },
    shown: () => text.replaceAll('\r\x1b[2K', '<clear>'),
  };
}

test('a terminal shows a bar, redrawn now and then, and lines above it', () => {
  const { progress, pass, shown } = setUp(true);
  progress.update('a.csv', 1, 0.1);
  pass(100);
  progress.update('a.csv', 2, 0.5);
  progress.update('a.csv', 3, 0.6);
  progress.print('a.csv, line 4: bad');
  progress.clear();
  const bar = `${'#'.repeat(15)}${'-'.repeat(15)}`;
  expect(shown()).toBe(`<clear>a.csv [${bar}] 50 %, 2 rows<clear>a.csv, line 4: bad\n<clear>`);
});

test('elsewhere a line comes every few seconds', () => {
  const { progress, pass, shown } = setUp(false);
  for (let rows = 1; rows <= 100; rows += 1) {
    progress.update('a.csv', rows, rows / 100);
    pass(100);
  }
  progress.clear();
  expect(shown()).toBe('a.csv: 51 %, 51 rows\n');
});
