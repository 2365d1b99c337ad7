/** The events that this service publishes. */
import type { Appointment, HistoryAction, StatusChange } from '@daybook/contracts';
import type { NewEvent } from '@daybook/database';

export const SOURCE = '/services/appointment';

type Times = Pick<Appointment, 'doctorId' | 'start' | 'end'> & Partial<Pick<Appointment, 'appointmentTypeId'>>;

/** Fields that only some events carry: the former time of a visit, or the status that was taken back. */
interface EventExtras {
  readonly previous?: Times | undefined;
  readonly status?: StatusChange | undefined;
}

export const appointmentEvent = (
  action: HistoryAction,
  appointment: Appointment,
  { previous, status }: EventExtras = {},
): NewEvent => {
  const { id, patientId, doctorId, appointmentTypeId, start, end, version } = appointment;
  return {
    type: `daybook.appointment.${action}.v1`,
    subject: id,
    sequence: version,
    data: {
      ...{ appointmentId: id, patientId, doctorId, appointmentTypeId, start, end },
      ...(previous && { previous }),
      ...(status && { status }),
    },
  };
};
