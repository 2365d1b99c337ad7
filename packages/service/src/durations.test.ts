import { expect, test } from 'vitest';
import { Durations } from './durations.ts';

const options = { name: 'a_seconds', help: 'How long', labelNames: ['route', 'status'] as ('route' | 'status')[] };

test('a duration counts in its bucket and in all that are larger', () => {
  const durations = new Durations(options);
  for (const seconds of [0.001, 0.0011, 0.3, 11]) durations.observe({ route: 'a', status: 200 }, seconds);
  const text = durations.toString();
  const bucket = (bound: string) =>
    new RegExp(`^a_seconds_bucket\\{le="${bound}",route="a",status="200"\\} (\\d+)$`, 'm');
  const counts = ['0\\.001', '0\\.0025', '0\\.25', '0\\.5', '10', '\\+Inf'].map(
    (bound) => bucket(bound).exec(text)?.[1],
  );
  expect(counts).toEqual(['1', '2', '2', '3', '3', '4']);
  expect(text).toContain('# HELP a_seconds How long\n# TYPE a_seconds histogram\n');
  expect(text).toContain('a_seconds_count{route="a",status="200"} 4\n');
  expect(Number(/^a_seconds_sum\{.*\} (.*)$/m.exec(text)?.[1])).toBeCloseTo(11.3021);
});

test('the same labels are one series, and others another', () => {
  const durations = new Durations(options);
  durations.of({ route: 'a', status: 200 }).observe(1);
  durations.of({ status: '200', route: 'a' }).observe(1);
  durations.of({ route: 'b', status: 200 }).observe(1);
  expect(durations.toString().match(/_count.*/g)).toEqual([
    '_count{route="a",status="200"} 2',
    '_count{route="b",status="200"} 1',
  ]);
});

test('a label cannot end before it should', () => {
  const durations = new Durations(options);
  durations.observe({ route: 'a"\\\n', status: 200 }, 1);
  expect(durations.toString()).toContain('a_seconds_count{route="a\\"\\\\\\n",status="200"} 1\n');
});

test('what is no number is refused', () => {
  expect(() => new Durations(options).observe({ route: 'a', status: 200 }, Number.NaN)).toThrow(TypeError);
});
