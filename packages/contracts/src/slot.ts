import { type Static, Type } from 'typebox';
import { Id, Instant, TimeZone } from './scalars.ts';

/** A concrete time that can be booked. Computed, not stored. */
export const Slot = Type.Object(
  { doctorId: Id(), start: Instant(), end: Instant(), timeZone: TimeZone(), status: Type.Literal('free') },
  { title: 'Slot' },
);
export type Slot = Static<typeof Slot>;

/** Starts lie on this grid; durations and buffers are multiples of it. Also the length of a reservation's cell. */
export const GRID_MINUTES = 5;
