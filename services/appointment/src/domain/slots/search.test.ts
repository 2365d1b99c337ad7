import { DAY } from '@daybook/contracts';
import { describe, expect, it } from 'vitest';
import { windowsOf } from './search.ts';

describe('the parts of a range that is searched', () => {
  it('follow one another without a gap, from its start to its end', () => {
    for (const days of [0, 1, 4, 4.5, 20, 61]) {
      const range = { start: 7, end: 7 + days * DAY };
      const windows = [...windowsOf({ specialty: 'surgery' }, range)];
      expect(windows[0]?.start).toBe(range.start);
      expect(windows.at(-1)?.end).toBe(range.end);
      for (const [index, { end }] of windows.slice(0, -1).entries()) expect(windows[index + 1]?.start).toBe(end);
    }
  });
});
