/** Everything that this service publishes. It consumes nothing yet. */
import type { Appointment, HistoryAction } from '@daybook/contracts';
import type { NewEvent } from '@daybook/database';

export const SOURCE = '/services/appointment';

type Times = Pick<Appointment, 'doctorId' | 'start' | 'end'>;

export const appointmentEvent = (action: HistoryAction, appointment: Appointment, previous?: Times): NewEvent => {
  const { id, patientId, doctorId, appointmentTypeId, start, end, version } = appointment;
  return {
    type: `daybook.appointment.${action}.v1`,
    subject: id,
    sequence: version,
    data: { appointmentId: id, patientId, doctorId, appointmentTypeId, start, end, ...(previous && { previous }) },
  };
};
