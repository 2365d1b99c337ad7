import { expect, test } from 'vitest';
import { Histogram } from './histogram.ts';

const options = { name: 'a_seconds', help: 'How long', labelNames: ['route', 'status'] as ('route' | 'status')[] };

test('a duration counts in its bucket and in all that are larger', () => {
  const histogram = new Histogram(options);
  for (const seconds of [0.001, 0.0011, 0.3, 11]) histogram.observe({ route: 'a', status: 200 }, seconds);
  const text = histogram.toString();
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
  const histogram = new Histogram(options);
  histogram.withLabels({ route: 'a', status: 200 }).observe(1);
  histogram.withLabels({ status: '200', route: 'a' }).observe(1);
  histogram.withLabels({ route: 'b', status: 200 }).observe(1);
  expect(histogram.toString().match(/_count.*/g)).toEqual([
    '_count{route="a",status="200"} 2',
    '_count{route="b",status="200"} 1',
  ]);
});

test('a label cannot end before it should', () => {
  const histogram = new Histogram(options);
  histogram.observe({ route: 'a"\\\n', status: 200 }, 1);
  expect(histogram.toString()).toContain('a_seconds_count{route="a\\"\\\\\\n",status="200"} 1\n');
});

test('what is not a number is refused', () => {
  expect(() => new Histogram(options).observe({ route: 'a', status: 200 }, Number.NaN)).toThrow(TypeError);
});
