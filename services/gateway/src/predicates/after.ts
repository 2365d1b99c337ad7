import { Type } from 'typebox';
import { definePredicate } from './predicate.ts';

export const Instant = Type.String({ format: 'date-time' });

export const after = definePredicate({
  schema: Instant,
  summary: 'from this instant on',
  example: '2026-12-01T00:00:00Z',
  compile(instant, { clock }) {
    const from = Temporal.Instant.from(instant).epochMilliseconds;
    return () => clock().epochMilliseconds >= from;
  },
});
