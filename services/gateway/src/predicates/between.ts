import { Type } from 'typebox';
import { Instant } from './after.ts';
import { definePredicate } from './predicate.ts';

const millisOf = (instant: string): number => Temporal.Instant.from(instant).epochMilliseconds;

export const between = definePredicate({
  schema: Type.Object({ from: Instant, to: Instant }, { additionalProperties: false }),
  summary: 'from one instant on, before another',
  example: { from: '2026-12-24T18:00:00Z', to: '2026-12-27T06:00:00Z' },
  faultsOf: ({ from, to }) =>
    millisOf(from) < millisOf(to) ? [] : [{ pointer: '/to', message: 'must come after `from`' }],
  compile({ from, to }, { clock }) {
    const [start, end] = [millisOf(from), millisOf(to)];
    return () => {
      const now = clock().epochMilliseconds;
      return now >= start && now < end;
    };
  },
});
