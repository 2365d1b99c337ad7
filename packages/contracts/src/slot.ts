import { type Static, Type } from 'typebox';
import { Page, paging } from './paging.ts';
import { Id, Instant, Specialty, TimeZone, WalkIn } from './scalars.ts';

/** A concrete time that can be booked; computed, not stored. */
export const Slot = Type.Object(
  { doctorId: Id(), start: Instant(), end: Instant(), timeZone: TimeZone(), status: Type.Literal('free') },
  { title: 'Slot' },
);
export type Slot = Static<typeof Slot>;

/** The grid of starts. Durations and buffers are multiples of it, and a reservation's cell has this length. */
export const GRID_MINUTES = 5;

/** The longest range of one slot search. With the longest visit at its end, it fits into one availability request. */
export const MAX_SLOT_DAYS = 61;

/** The most doctors of one specialty in one search. */
export const MAX_SEARCHED_DOCTORS = 500;

export const SlotQuery = Type.Object(
  {
    doctorId: Type.Optional(Id()),
    specialty: Type.Optional(
      Specialty(
        `Of any active doctor of it; where there are more than ${MAX_SEARCHED_DOCTORS}, of those registered first`,
      ),
    ),
    appointmentTypeId: Id(),
    from: Instant(),
    to: Instant(),
    walkIn: WalkIn('With the current five minutes, where `from` is not after their start'),
    ...paging,
  },
  { additionalProperties: false },
);
export type SlotQuery = Static<typeof SlotQuery>;

/** A hypothetical booking request. Without a patient, only the rules that apply to every patient are checked. */
export const SlotExplanationQuery = Type.Object(
  {
    doctorId: Id(),
    appointmentTypeId: Id(),
    start: Instant(),
    patientId: Type.Optional(Id()),
    walkIn: WalkIn('Explains a booking with `walkIn`'),
  },
  { additionalProperties: false },
);
export type SlotExplanationQuery = Static<typeof SlotExplanationQuery>;

/** Explains why a start can be booked or not, at this moment. */
export const SlotExplanation = Type.Object(
  {
    bookable: Type.Boolean(),
    reasons: Type.Array(
      Type.Object({
        code: Type.String({ description: 'Stable; that of a refused booking' }),
        detail: Type.String(),
      }),
      { description: 'Every rule that stands in the way; first the one that a booking would be refused with' },
    ),
    alternatives: Type.Array(Slot, { description: 'The nearest free slots, as a refused booking gives them' }),
  },
  { title: 'SlotExplanation' },
);
export type SlotExplanation = Static<typeof SlotExplanation>;

export const SlotPage = Page(Slot, 'SlotPage');
