import { EARLIEST_RFC3339, instantText, LATEST_RFC3339 } from '@daybook/contracts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createInstantFormatter } from './instant-formatter.ts';

it('an instant is written as every other one is, whole minutes and others, in any order', () => {
  const instants = fc.integer({ min: EARLIEST_RFC3339, max: LATEST_RFC3339 });
  const some = fc.oneof(
    instants,
    instants.map((millis) => Math.floor(millis / 60_000) * 60_000),
    fc.nat(100 * 86_400).map((seconds) => seconds * 1000 - 50 * 86_400_000),
    fc.constantFrom(EARLIEST_RFC3339, LATEST_RFC3339, -1, 0, 1),
  );
  fc.assert(
    fc.property(fc.array(some, { minLength: 1, maxLength: 20 }), (list) => {
      const write = createInstantFormatter();
      for (const millis of list) {
        expect(write(millis)).toBe(instantText(Temporal.Instant.fromEpochMilliseconds(millis)));
      }
    }),
  );
});
