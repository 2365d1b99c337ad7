/** The events that this service publishes. */
import type { Patient } from '@daybook/contracts';
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
