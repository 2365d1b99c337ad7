import { instantText } from '@daybook/contracts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { instantWriter } from './instant-text.ts';
import { FIRST_WRITABLE, LAST_WRITABLE } from './time.ts';

it('an instant is written as every other one is, whole minutes and others, in any order', () => {
  const instants = fc.integer({ min: FIRST_WRITABLE, max: LAST_WRITABLE });
  const some = fc.oneof(
    instants,
    instants.map((millis) => Math.floor(millis / 60_000) * 60_000),
    fc.nat(100 * 86_400).map((seconds) => seconds * 1000 - 50 * 86_400_000),
    fc.constantFrom(FIRST_WRITABLE, LAST_WRITABLE, -1, 0, 1),
  );
  fc.assert(
    fc.property(fc.array(some, { minLength: 1, maxLength: 20 }), (list) => {
      const write = instantWriter();
      for (const millis of list) {
        expect(write(millis)).toBe(instantText(Temporal.Instant.fromEpochMilliseconds(millis)));
      }
    }),
  );
});
