import { type Static, Type } from 'typebox';
import { Id, Instant, WalkIn } from './scalars.ts';

export const HOLD_MINUTES = 5;

/** The most holds of one patient: enough to compare, too few to empty a calendar. */
export const MAX_HOLDS_OF_PATIENT = 3;
/** The most holds of one patient's account within an hour, released and expired ones included. */
export const MAX_HOLDS_OF_PATIENT_PER_HOUR = 20;

export const NewHold = Type.Object(
  {
    doctorId: Id(),
    appointmentTypeId: Id(),
    start: Instant(),
    walkIn: WalkIn('Holds the current five minutes, whatever notice the type requires'),
  },
  { title: 'NewHold', additionalProperties: false },
);
export type NewHold = Static<typeof NewHold>;

/** A slot that is kept for a few minutes during a decision (FHIR's `busy-tentative`). */
export const Hold = Type.Object(
  {
    id: Id(),
    doctorId: Id(),
    appointmentTypeId: Id(),
    start: Instant(),
    end: Instant(),
    expiresAt: Instant('From then on it keeps nothing'),
  },
  { title: 'Hold' },
);
export type Hold = Static<typeof Hold>;
