/** Duplicate records of one person: candidates found at registration, and merged records. */
import { type Static, Type } from 'typebox';
import { FreeText, Id, PlainDate } from './scalars.ts';

/** The most candidates in the report of a possible duplicate. */
export const MAX_CANDIDATES = 5;

/** A record similar to a registration: only what a front desk needs to tell people apart. */
export const PatientCandidate = Type.Object(
  {
    id: Id(),
    givenName: Type.Optional(Type.String()),
    familyName: Type.String(),
    birthDate: PlainDate(),
    phoneEnding: Type.Optional(Type.String({ description: 'The last four digits' })),
    identifierEndings: Type.Optional(
      Type.Array(Type.String(), { description: 'The last four characters of each identifier' }),
    ),
  },
  { title: 'PatientCandidate' },
);
export type PatientCandidate = Static<typeof PatientCandidate>;

export const PatientMerge = Type.Object(
  {
    into: Id('The record that stays: appointments and messages go there'),
    reason: FreeText(500, 'Kept with the merge'),
  },
  { title: 'PatientMerge', additionalProperties: false },
);
export type PatientMerge = Static<typeof PatientMerge>;

export const PatientUnmerge = Type.Object(
  { reason: FreeText(500, 'Kept with the merge') },
  { title: 'PatientUnmerge', additionalProperties: false },
);
export type PatientUnmerge = Static<typeof PatientUnmerge>;

/** The facts about a patient that a booking needs. */
export const PatientEligibility = Type.Object(
  {
    id: Id(),
    active: Type.Boolean({ description: 'May have new appointments' }),
    version: Type.Integer({ minimum: 1 }),
    replacedBy: Type.Optional(Id('The record that stays, after a merge')),
  },
  { title: 'PatientEligibility' },
);
export type PatientEligibility = Static<typeof PatientEligibility>;
