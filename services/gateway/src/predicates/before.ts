import { Instant } from './after.ts';
import { definePredicate } from './predicate.ts';

export const before = definePredicate({
  schema: Instant,
  summary: 'before this instant',
  example: '2026-12-01T00:00:00Z',
  compile(instant, { clock }) {
    const to = Temporal.Instant.from(instant).epochMilliseconds;
    return () => clock().epochMilliseconds < to;
  },
});
