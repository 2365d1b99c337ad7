/** The access of a doctor to a patient in an emergency, without a care relationship. */
import { type Static, Type } from 'typebox';
import { FreeText, Id, Instant } from './scalars.ts';

/** How long an emergency access lasts. */
export const EMERGENCY_ACCESS_MINUTES = 60;

export const NewEmergencyAccess = Type.Object(
  { reason: FreeText(500, 'Kept with the access, for the audit') },
  { title: 'NewEmergencyAccess', additionalProperties: false },
);
export type NewEmergencyAccess = Static<typeof NewEmergencyAccess>;

export const EmergencyAccess = Type.Object(
  {
    id: Id(),
    patientId: Id('The record that can be read. After a merge: the record that stays'),
    doctorId: Id(),
    start: Instant(),
    end: Instant(),
  },
  { title: 'EmergencyAccess' },
);
export type EmergencyAccess = Static<typeof EmergencyAccess>;
