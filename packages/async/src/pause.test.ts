import { expect, it } from 'vitest';
import { pause } from './pause.ts';

const FOREVER_MILLIS = 2 ** 31 - 1;

it('a pause ends after its time', async () => {
  const before = performance.now();
  await pause(20, new AbortController().signal);
  // Node's timers count whole milliseconds.
  expect(performance.now() - before).toBeGreaterThan(18);
});

it('a pause ends when its signal aborts, now or before', async () => {
  const closing = new AbortController();
  const pausing = pause(FOREVER_MILLIS, closing.signal);
  closing.abort(new Error('closing'));
  await expect(pausing).resolves.toBeUndefined();
  await expect(pause(FOREVER_MILLIS, closing.signal)).resolves.toBeUndefined();
});
