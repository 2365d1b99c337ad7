import type { Instance } from '@daybook/discovery';
import { describe, expect, test } from 'vitest';
import { Ejections } from './ejections.ts';
import { createTestDiscovery } from './testing.ts';

/** So many instances of one service, and a clock that is set. */
function setUp(count: number) {
  const discovery = createTestDiscovery();
  const urls = Array.from({ length: count }, (_, index) => `http://127.0.0.1:${1_000 + index}`);
  discovery.place('patient-service', urls);
  const clock = { now: 0 };
  const lines: string[] = [];
  const logger = { warn: (...line: unknown[]) => void lines.push(String(line[1])) };
  const ejections = new Ejections(discovery, logger, { now: () => clock.now });
  const instances = discovery.instancesOf('patient-service');
  const at = (index: number): Instance => instances[index] ?? fail();
  const out = (mayTryOut = true) =>
    instances.flatMap(({ instanceId }, index) =>
      ejections.outOf('patient-service', mayTryOut).has(instanceId) ? [index] : [],
    );
  return { discovery, clock, ejections, at, out, lines };
}

const fail = (): never => {
  throw new Error('there is no such instance');
};

describe('an instance', () => {
  test('that cannot be reached is out at once', () => {
    const { ejections, at, out } = setUp(2);
    ejections.failed(at(0), 'unreachable');
    expect(out()).toEqual([0]);
    expect(ejections.outOf('doctor-service', true).size).toBe(0);
  });

  test('that fails is out after three times in a row', () => {
    const { ejections, at, out } = setUp(2);
    for (const step of ['failing', 'failing', 'works', 'failing', 'failing'] as const) {
      if (step === 'works') ejections.worked(at(0));
      else ejections.failed(at(0), step);
    }
    expect(out()).toEqual([]);
    ejections.failed(at(0), 'failing');
    expect(out()).toEqual([0]);
  });

  test('is tried out by one request that may be repeated, after a second', () => {
    const { ejections, at, out, clock, lines } = setUp(2);
    ejections.failed(at(0), 'unreachable');
    clock.now = 999;
    expect(out()).toEqual([0]);
    clock.now = 1_000;
    expect(out(false)).toEqual([0]);
    expect(out()).toEqual([]);
    ejections.asked(at(0));
    expect(out()).toEqual([0]);
    ejections.worked(at(0));
    expect(out(false)).toEqual([]);
    expect(lines).toEqual(['an instance is left alone', 'an instance is back']);
  });

  test('is tried out again when nobody knows how the first trial would have ended', () => {
    const { ejections, at, out, clock } = setUp(2);
    ejections.failed(at(0), 'unreachable');
    clock.now = 1_000;
    ejections.asked(at(0));
    ejections.over(at(0));
    expect(out()).toEqual([]);
  });

  test('is out for longer each time, up to half a minute', () => {
    const { ejections, at, out, clock } = setUp(2);
    const waits: number[] = [];
    ejections.failed(at(0), 'unreachable');
    for (let count = 0; count < 7; count += 1) {
      const since = clock.now;
      while (out().length > 0) clock.now += 500;
      waits.push(clock.now - since);
      ejections.asked(at(0));
      ejections.failed(at(0), 'unreachable');
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  });

  test('that is out already is not out for longer because of what was under way', () => {
    const { ejections, at, out, clock } = setUp(2);
    for (let count = 0; count < 50; count += 1) ejections.failed(at(0), 'unreachable');
    clock.now = 1_000;
    expect(out()).toEqual([]);
  });

  test('is forgotten when it is gone', () => {
    const { ejections, at, discovery } = setUp(2);
    ejections.failed(at(0), 'unreachable');
    discovery.place('patient-service', [at(1).url]);
    ejections.sweep();
    expect(ejections.outOf('patient-service', true).size).toBe(0);
  });
});

describe('never out are', () => {
  test('the last one that can perhaps be reached', () => {
    const { ejections, at, out } = setUp(3);
    for (const index of [0, 1, 2]) ejections.failed(at(index), 'unreachable');
    expect(out()).toEqual([0, 1]);
  });

  test('more than half for failing', () => {
    const { ejections, at, out } = setUp(5);
    for (const index of [0, 1, 2, 3, 4]) {
      for (let count = 0; count < 3; count += 1) ejections.failed(at(index), 'failing');
    }
    expect(out()).toEqual([0, 1]);
  });
});
