import type { Instance } from '@daybook/discovery';
import { describe, expect, test } from 'vitest';
import { createTestDiscovery } from '../testing.ts';
import { OutlierDetection } from './outlier-detection.ts';

/** Creates `count` instances of one service, and a clock that the test sets. */
function setUp(count: number) {
  const discovery = createTestDiscovery();
  const urls = Array.from({ length: count }, (_, index) => `http://127.0.0.1:${1_000 + index}`);
  discovery.setInstances('patient-service', urls);
  const clock = { now: 0 };
  const lines: string[] = [];
  const logger = { warn: (...line: unknown[]) => void lines.push(String(line[1])) };
  const outlierDetection = new OutlierDetection(discovery, logger, { now: () => clock.now });
  const instances = discovery.instancesOf('patient-service');
  const at = (index: number): Instance => instances[index] ?? fail();
  const ejected = (mayProbe = true) =>
    instances.flatMap(({ instanceId }, index) =>
      outlierDetection.ejectedOf('patient-service', mayProbe).has(instanceId) ? [index] : [],
    );
  return { discovery, clock, outlierDetection, at, ejected, lines };
}

const fail = (): never => {
  throw new Error('unknown instance');
};

describe('an instance', () => {
  test('that cannot be reached is out at once', () => {
    const { outlierDetection, at, ejected } = setUp(2);
    outlierDetection.recordFailure(at(0), 'unreachable');
    expect(ejected()).toEqual([0]);
    expect(outlierDetection.ejectedOf('doctor-service', true).size).toBe(0);
  });

  test('that fails is out after three times in a row', () => {
    const { outlierDetection, at, ejected } = setUp(2);
    for (const step of ['failing', 'failing', 'works', 'failing', 'failing'] as const) {
      if (step === 'works') outlierDetection.recordSuccess(at(0));
      else outlierDetection.recordFailure(at(0), step);
    }
    expect(ejected()).toEqual([]);
    outlierDetection.recordFailure(at(0), 'failing');
    expect(ejected()).toEqual([0]);
  });

  test('is probed by one request that may be repeated, after a second', () => {
    const { outlierDetection, at, ejected, clock, lines } = setUp(2);
    outlierDetection.recordFailure(at(0), 'unreachable');
    clock.now = 999;
    expect(ejected()).toEqual([0]);
    clock.now = 1_000;
    expect(ejected(false)).toEqual([0]);
    expect(ejected()).toEqual([]);
    outlierDetection.recordAttempt(at(0));
    expect(ejected()).toEqual([0]);
    outlierDetection.recordSuccess(at(0));
    expect(ejected(false)).toEqual([]);
    expect(lines).toEqual(['instance ejected', 'instance restored']);
  });

  test('is probed again when the first probe ended without a result', () => {
    const { outlierDetection, at, ejected, clock } = setUp(2);
    outlierDetection.recordFailure(at(0), 'unreachable');
    clock.now = 1_000;
    outlierDetection.recordAttempt(at(0));
    outlierDetection.recordEnd(at(0));
    expect(ejected()).toEqual([]);
  });

  test('is out for longer each time, up to half a minute', () => {
    const { outlierDetection, at, ejected, clock } = setUp(2);
    const waits: number[] = [];
    outlierDetection.recordFailure(at(0), 'unreachable');
    for (let count = 0; count < 7; count += 1) {
      const since = clock.now;
      while (ejected().length > 0) clock.now += 500;
      waits.push(clock.now - since);
      outlierDetection.recordAttempt(at(0));
      outlierDetection.recordFailure(at(0), 'unreachable');
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  });

  test('that is out already is not out for longer because of what was under way', () => {
    const { outlierDetection, at, ejected, clock } = setUp(2);
    for (let count = 0; count < 50; count += 1) outlierDetection.recordFailure(at(0), 'unreachable');
    clock.now = 1_000;
    expect(ejected()).toEqual([]);
  });

  test('is forgotten when it is gone', () => {
    const { outlierDetection, at, discovery } = setUp(2);
    outlierDetection.recordFailure(at(0), 'unreachable');
    discovery.setInstances('patient-service', [at(1).url]);
    outlierDetection.sweep();
    expect(outlierDetection.ejectedOf('patient-service', true).size).toBe(0);
  });
});

describe('never out are', () => {
  test('the last one that can perhaps be reached', () => {
    const { outlierDetection, at, ejected } = setUp(3);
    for (const index of [0, 1, 2]) outlierDetection.recordFailure(at(index), 'unreachable');
    expect(ejected()).toEqual([0, 1]);
  });

  test('more than half for failing', () => {
    const { outlierDetection, at, ejected } = setUp(5);
    for (const index of [0, 1, 2, 3, 4]) {
      for (let count = 0; count < 3; count += 1) outlierDetection.recordFailure(at(index), 'failing');
    }
    expect(ejected()).toEqual([0, 1]);
  });
});
