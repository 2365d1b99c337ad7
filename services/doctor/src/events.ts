/** Everything that this service publishes. It consumes nothing. */
import type { Doctor } from '@daybook/contracts';
import type { NewEvent } from '@daybook/database';

export const SOURCE = '/services/doctor';

type Kind = 'registered' | 'updated' | 'deactivated' | 'schedule-changed';

export const doctorEvent = (kind: Kind, doctor: Pick<Doctor, 'id' | 'version'>): NewEvent => ({
  type: `daybook.doctor.${kind}.v1`,
  subject: doctor.id,
  sequence: doctor.version,
  data: { doctorId: doctor.id },
});
