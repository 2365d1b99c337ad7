import { type Static, Type } from 'typebox';
import { paging } from './paging.ts';
import { Id, Instant, TimeZone } from './scalars.ts';

/** A concrete time that can be booked. Computed, not stored. */
export const Slot = Type.Object(
  { doctorId: Id(), start: Instant(), end: Instant(), timeZone: TimeZone(), status: Type.Literal('free') },
  { title: 'Slot' },
);
export type Slot = Static<typeof Slot>;

/** Starts lie on this grid; durations and buffers are multiples of it. Also the length of a reservation's cell. */
export const GRID_MINUTES = 5;

/** Slots are searched in a range of at most this many days: with the longest visit at its end, what availability gives. */
export const MAX_SLOT_DAYS = 61;

/** The doctors of one specialty among whom one search looks. */
export const MAX_SEARCHED_DOCTORS = 500;

export const SlotQuery = Type.Object(
  {
    doctorId: Type.Optional(Id()),
    specialty: Type.Optional(
      Type.String({
        maxLength: 100,
        description: `Of any active doctor of it; where there are more than ${MAX_SEARCHED_DOCTORS}, of those registered first`,
      }),
    ),
    appointmentTypeId: Id(),
    from: Instant(),
    to: Instant(),
    limit: paging.limit,
  },
  { additionalProperties: false },
);
export type SlotQuery = Static<typeof SlotQuery>;

export const SlotList = Type.Object({ items: Type.Array(Slot) }, { title: 'SlotList' });
