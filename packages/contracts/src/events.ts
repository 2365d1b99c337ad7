/**
 * The catalogue of events: CloudEvents 1.0, JSON, structured mode. Data holds ids and times only; a consumer that needs
 * a name requests it.
 */
import { type Static, type TSchema, Type } from 'typebox';
import { StatusChange } from './appointment.ts';
import { CALL_ACTIONS } from './audit.ts';
import { ROLES } from './caller.ts';
import { EXCEPTION_KINDS } from './doctor.ts';
import { Id, Instant, OneOf } from './scalars.ts';

const Times = Type.Object({
  doctorId: Id(),
  start: Instant(),
  end: Instant(),
  appointmentTypeId: Type.Optional(Id('Where the type changed')),
});

const appointmentTimes = {
  appointmentId: Id(),
  patientId: Id(),
  doctorId: Id(),
  appointmentTypeId: Id(),
  start: Instant(),
  end: Instant(),
};

export const AppointmentEventData = Type.Object(
  {
    ...appointmentTimes,
    previous: Type.Optional(Times),
  },
  { title: 'AppointmentEventData' },
);
export type AppointmentEventData = Static<typeof AppointmentEventData>;

/** Holds the status that was undone and the status that was restored. From `cancelled` it counts as a booking again. */
export const SteppedBackEventData = Type.Object(
  { ...appointmentTimes, status: StatusChange },
  { title: 'SteppedBackEventData' },
);
export type SteppedBackEventData = Static<typeof SteppedBackEventData>;

export const PatientEventData = Type.Object({ patientId: Id() }, { title: 'PatientEventData' });
export const PatientMergeEventData = Type.Object(
  { patientId: Id('The absorbed record'), into: Id('The record that stays') },
  { title: 'PatientMergeEventData' },
);
export type PatientMergeEventData = Static<typeof PatientMergeEventData>;
/** Never holds the reason, because it may reveal an illness. */
export const EmergencyAccessEventData = Type.Object(
  {
    emergencyAccessId: Id(),
    patientId: Id(),
    doctorId: Id('The doctor that has access'),
    start: Instant(),
    end: Instant(),
  },
  { title: 'EmergencyAccessEventData' },
);
export type EmergencyAccessEventData = Static<typeof EmergencyAccessEventData>;
/** Never holds a contact: identity requests the former one, to tell it. */
export const ContactChangeEventData = Type.Object(
  { patientId: Id(), contactChangeId: Id() },
  { title: 'ContactChangeEventData' },
);
export type ContactChangeEventData = Static<typeof ContactChangeEventData>;
export const DoctorEventData = Type.Object({ doctorId: Id() }, { title: 'DoctorEventData' });
/** Never holds the reason, because it may reveal an illness. */
export const ExceptionEventData = Type.Object(
  {
    doctorId: Id(),
    exceptionId: Id(),
    kind: OneOf(EXCEPTION_KINDS),
    start: Instant(),
    end: Instant(),
  },
  { title: 'ExceptionEventData' },
);

/** About a closure of the clinic. Each doctor has an event of their own, because a closure changes the availability of each. */
export const ClosureEventData = Type.Object(
  { doctorId: Id(), closureId: Id(), start: Instant(), end: Instant() },
  { title: 'ClosureEventData' },
);

/** A call, for the audit trail of identity. Ids and words of ours only. */
export const AuditEventData = Type.Object(
  {
    action: OneOf(CALL_ACTIONS),
    operation: Type.String({ description: 'The `operationId`' }),
    callerId: Type.String({ description: 'An account, or the name of a program' }),
    callerRole: OneOf(ROLES),
    patientIds: Type.Array(Id(), { description: 'Whose records it showed or changed' }),
    subjectId: Type.Optional(Id('What was called for or changed')),
  },
  { title: 'AuditEventData' },
);
export type AuditEventData = Static<typeof AuditEventData>;

/** Each event type and the shape of its data. */
export const eventTypes = {
  'daybook.appointment.booked.v1': AppointmentEventData,
  'daybook.appointment.rescheduled.v1': AppointmentEventData,
  'daybook.appointment.updated.v1': AppointmentEventData,
  'daybook.appointment.cancelled.v1': AppointmentEventData,
  'daybook.appointment.arrived.v1': AppointmentEventData,
  'daybook.appointment.checked-in.v1': AppointmentEventData,
  'daybook.appointment.fulfilled.v1': AppointmentEventData,
  'daybook.appointment.noshow.v1': AppointmentEventData,
  'daybook.appointment.stepped-back.v1': SteppedBackEventData,
  'daybook.appointment.flagged.v1': AppointmentEventData,
  'daybook.appointment.unflagged.v1': AppointmentEventData,
  'daybook.appointment.patient-merged.v1': AppointmentEventData,
  'daybook.appointment.patient-unmerged.v1': AppointmentEventData,
  'daybook.patient.registered.v1': PatientEventData,
  'daybook.patient.updated.v1': PatientEventData,
  'daybook.patient.deactivated.v1': PatientEventData,
  'daybook.patient.merged.v1': PatientMergeEventData,
  'daybook.patient.unmerged.v1': PatientMergeEventData,
  'daybook.patient.erased.v1': PatientEventData,
  'daybook.patient.emergency-access.v1': EmergencyAccessEventData,
  'daybook.patient.contact-changed.v1': ContactChangeEventData,
  'daybook.doctor.registered.v1': DoctorEventData,
  'daybook.doctor.updated.v1': DoctorEventData,
  'daybook.doctor.deactivated.v1': DoctorEventData,
  'daybook.doctor.schedule-changed.v1': DoctorEventData,
  'daybook.doctor.exception-added.v1': ExceptionEventData,
  'daybook.doctor.exception-removed.v1': ExceptionEventData,
  'daybook.doctor.closure-added.v1': ClosureEventData,
  'daybook.doctor.closure-removed.v1': ClosureEventData,
  'daybook.audit.recorded.v1': AuditEventData,
} as const satisfies Record<string, TSchema>;

export type EventType = keyof typeof eventTypes;

/** The events between services that the AsyncAPI document leaves out, because they are not for other programs. */
export const INTERNAL_EVENTS: readonly EventType[] = ['daybook.audit.recorded.v1'];

export type EventData<T extends EventType> = Static<(typeof eventTypes)[T]>;

/**
 * The consumers by name (`service.what`) and the events that each acts on. On a broker each consumer has its own queue.
 * Every service declares all queues, so events wait for a consumer that has never started.
 */
export const eventConsumers = {
  'appointment.revalidation': [
    'daybook.patient.updated.v1',
    'daybook.patient.deactivated.v1',
    'daybook.doctor.updated.v1',
    'daybook.doctor.deactivated.v1',
    'daybook.doctor.schedule-changed.v1',
    'daybook.doctor.exception-added.v1',
    'daybook.doctor.exception-removed.v1',
    'daybook.doctor.closure-added.v1',
    'daybook.doctor.closure-removed.v1',
  ],
  'appointment.erasures': ['daybook.patient.erased.v1'],
  'appointment.merges': ['daybook.patient.merged.v1', 'daybook.patient.unmerged.v1'],
  'notification.messages': [
    'daybook.appointment.booked.v1',
    'daybook.appointment.rescheduled.v1',
    'daybook.appointment.updated.v1',
    'daybook.appointment.cancelled.v1',
    'daybook.appointment.stepped-back.v1',
    'daybook.appointment.patient-merged.v1',
    'daybook.appointment.patient-unmerged.v1',
  ],
  'patient.care-relationships': [
    'daybook.appointment.booked.v1',
    'daybook.appointment.rescheduled.v1',
    'daybook.appointment.updated.v1',
    'daybook.appointment.cancelled.v1',
    'daybook.appointment.stepped-back.v1',
    'daybook.appointment.patient-merged.v1',
    'daybook.appointment.patient-unmerged.v1',
  ],
  'identity.patients': [
    'daybook.patient.erased.v1',
    'daybook.patient.emergency-access.v1',
    'daybook.patient.contact-changed.v1',
  ],
  'identity.audit': ['daybook.audit.recorded.v1'],
} as const satisfies Record<string, readonly EventType[]>;

export type EventConsumerName = keyof typeof eventConsumers;
/** The types that a consumer acts on. */
export type ConsumedType<Name extends EventConsumerName> = (typeof eventConsumers)[Name][number];

/** An event in transit. `sequence` rises within a `subject`; `source` names the service. */
export interface CloudEvent<T extends EventType = EventType> {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: string;
  readonly type: T;
  readonly subject: string;
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly sequence: number;
  readonly traceparent?: string;
  readonly data: EventData<T>;
}

/** The schema of every event in structured mode. Readers ignore unknown members. */
export const EventEnvelope = Type.Object(
  {
    specversion: Type.Literal('1.0'),
    id: Id('Of the event: the same when it comes again'),
    source: Type.String({ description: 'The service that published it' }),
    type: Type.String(),
    subject: Id('The id of the resource that it is about'),
    time: Instant('When it happened'),
    datacontenttype: Type.Literal('application/json'),
    sequence: Type.Integer({ minimum: 1, description: 'Rises within the subject: the version of the resource' }),
    traceparent: Type.Optional(Type.String({ description: 'W3C Trace Context of the request that caused it' })),
    data: Type.Object({}, { description: 'Ids and times only' }),
  },
  { title: 'EventEnvelope' },
);

/** The topic exchange of a broker. */
export const EVENT_EXCHANGE = 'daybook.events';

/** Returns `appointment.booked` for `daybook.appointment.booked.v1`. */
export const routingKeyOf = (type: EventType): string => type.slice('daybook.'.length, type.lastIndexOf('.'));
