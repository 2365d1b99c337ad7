/** The events that this service publishes. */
import type { Closure, Doctor, ScheduleException } from '@daybook/contracts';
import type { NewEvent } from '@daybook/database';

export const SOURCE = '/services/doctor';

type Kind = 'registered' | 'updated' | 'deactivated' | 'schedule-changed';

export const doctorEvent = (kind: Kind, doctor: Pick<Doctor, 'id' | 'version'>): NewEvent => ({
  type: `daybook.doctor.${kind}.v1`,
  subject: doctor.id,
  sequence: doctor.version,
  data: { doctorId: doctor.id },
});

/** Returns the event about leave or extra hours. It excludes the reason, which may mention an illness. */
export const exceptionEvent = (
  kind: 'exception-added' | 'exception-removed',
  doctor: Pick<Doctor, 'id' | 'version'>,
  exception: ScheduleException,
): NewEvent => ({
  type: `daybook.doctor.${kind}.v1`,
  subject: doctor.id,
  sequence: doctor.version,
  data: {
    doctorId: doctor.id,
    exceptionId: exception.id,
    kind: exception.kind,
    start: exception.start,
    end: exception.end,
  },
});

/** Returns a doctor's event about a closure of the clinic. */
export const closureEvent = (
  kind: 'closure-added' | 'closure-removed',
  doctor: Pick<Doctor, 'id' | 'version'>,
  closure: Pick<Closure, 'id' | 'start' | 'end'>,
): NewEvent => ({
  type: `daybook.doctor.${kind}.v1`,
  subject: doctor.id,
  sequence: doctor.version,
  data: { doctorId: doctor.id, closureId: closure.id, start: closure.start, end: closure.end },
});
