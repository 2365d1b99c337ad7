/** The events that this service publishes. */
import type { EmergencyAccess, Patient } from '@daybook/contracts';
import type { NewEvent } from '@daybook/database';

export const SOURCE = '/services/patient';

type Kind = 'registered' | 'updated' | 'deactivated';

export const patientEvent = (kind: Kind, patient: Patient): NewEvent => ({
  type: `daybook.patient.${kind}.v1`,
  subject: patient.id,
  sequence: patient.version,
  data: { patientId: patient.id },
});

export const patientMergeEvent = (kind: 'merged' | 'unmerged', { id, version }: Patient, into: string): NewEvent => ({
  type: `daybook.patient.${kind}.v1`,
  subject: id,
  sequence: version,
  data: { patientId: id, into },
});

export const patientErasedEvent = (id: string, version: number): NewEvent => ({
  type: 'daybook.patient.erased.v1',
  subject: id,
  sequence: version,
  data: { patientId: id },
});

export const contactChangedEvent = (contactChangeId: string, patientId: string): NewEvent => ({
  type: 'daybook.patient.contact-changed.v1',
  subject: contactChangeId,
  sequence: 1,
  data: { patientId, contactChangeId },
});

/** Returns the event about an emergency access. It excludes the reason, which may mention an illness. */
export const emergencyAccessEvent = ({ id, ...access }: EmergencyAccess): NewEvent => ({
  type: 'daybook.patient.emergency-access.v1',
  subject: id,
  sequence: 1,
  data: { emergencyAccessId: id, ...access },
});
