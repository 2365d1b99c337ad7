import { type Static, Type } from 'typebox';
import { Page, paging } from './paging.ts';
import { FreeText, Id, Instant, OneOf, Specialty, stored, TimeZone } from './scalars.ts';

/** FHIR's list, no other. */
export const APPOINTMENT_STATUSES = [
  'proposed',
  'pending',
  'booked',
  'arrived',
  'checked-in',
  'fulfilled',
  'cancelled',
  'noshow',
  'entered-in-error',
  'waitlist',
] as const;
export type AppointmentStatus = (typeof APPOINTMENT_STATUSES)[number];
const Status = () => OneOf(APPOINTMENT_STATUSES);

const Overbooking = Type.Object(
  { reason: FreeText(500, 'Kept in the history') },
  {
    title: 'Overbooking',
    additionalProperties: false,
    description: 'Beside what the doctor has then already: on purpose, by staff only',
  },
);
export type Overbooking = Static<typeof Overbooking>;

/** How a time is taken, where it is booked or moved to. */
const choices = {
  holdId: Type.Optional(Id('The hold that keeps the time; 409 `hold-expired` when it has run out')),
  overbooking: Type.Optional(Overbooking),
};

export const NewAppointment = Type.Object(
  {
    patientId: Id(),
    doctorId: Id(),
    appointmentTypeId: Id(),
    start: Instant(),
    reason: Type.Optional(FreeText(500, 'Why the patient comes')),
    ...choices,
  },
  { title: 'NewAppointment', additionalProperties: false },
);
export type NewAppointment = Static<typeof NewAppointment>;

/** Whichever doctor of the specialty is free first. */
export const FirstFreeBooking = Type.Object(
  {
    patientId: Id(),
    specialty: Specialty(),
    appointmentTypeId: Id(),
    from: Instant('Starts at or after'),
    to: Instant('Starts before'),
    reason: Type.Optional(FreeText(500, 'Why the patient comes')),
  },
  { title: 'FirstFreeBooking', additionalProperties: false },
);
export type FirstFreeBooking = Static<typeof FirstFreeBooking>;

/** The plan: a patient, a doctor, a start and an end. */
export const Appointment = Type.Object(
  {
    id: Id(),
    patientId: Id(),
    doctorId: Id(),
    appointmentTypeId: Id(),
    start: Instant(),
    end: Instant(),
    timeZone: TimeZone(),
    status: Status(),
    sequence: Type.Integer({ minimum: 0, description: 'Rises with every move (iCalendar)' }),
    reason: Type.Optional(Type.String()),
    needsRescheduling: Type.Boolean({
      description: 'What it was booked on has changed since: leave, somebody not active',
    }),
    reschedulingReasons: Type.Optional(
      Type.Array(Type.String(), { description: 'Why, by the codes of a refused booking' }),
    ),
    ...stored,
  },
  { title: 'Appointment' },
);
export type Appointment = Static<typeof Appointment>;

export const AppointmentPage = Page(Appointment, 'AppointmentPage');

export const AppointmentQuery = Type.Object(
  {
    patientId: Type.Optional(Id()),
    doctorId: Type.Optional(Id()),
    status: Type.Optional(Status()),
    needsRescheduling: Type.Optional(
      Type.Boolean({ description: 'Those that do: from now on, unless `from` says otherwise' }),
    ),
    from: Type.Optional(Instant('Starts at or after')),
    to: Type.Optional(Instant('Starts before')),
    ...paging,
  },
  { additionalProperties: false },
);
export type AppointmentQuery = Static<typeof AppointmentQuery>;

export const Cancellation = Type.Object(
  { reason: FreeText(500) },
  { title: 'Cancellation', additionalProperties: false },
);
export type Cancellation = Static<typeof Cancellation>;

export const Reschedule = Type.Object(
  { start: Instant(), doctorId: Type.Optional(Id()), ...choices },
  { title: 'Reschedule', additionalProperties: false },
);
export type Reschedule = Static<typeof Reschedule>;

export const HISTORY_ACTIONS = [
  'booked',
  'rescheduled',
  'cancelled',
  'arrived',
  'checked-in',
  'fulfilled',
  'noshow',
  'flagged',
  'unflagged',
  'patient-merged',
  'patient-unmerged',
] as const;
export type HistoryAction = (typeof HISTORY_ACTIONS)[number];

const Times = Type.Object({ doctorId: Id(), start: Instant(), end: Instant() });

/** One change of an appointment: what, when, who, why. */
export const HistoryEntry = Type.Object(
  {
    at: Instant(),
    by: Type.Object({ id: Type.String(), role: Type.String() }),
    action: OneOf(HISTORY_ACTIONS),
    sequence: Type.Integer(),
    from: Type.Optional(Times),
    to: Type.Optional(Times),
    reason: Type.Optional(Type.String()),
    overbooked: Type.Optional(Type.Boolean({ description: 'On purpose, beside what the doctor had then already' })),
    reschedulingReasons: Type.Optional(Type.Array(Type.String())),
    fromPatientId: Type.Optional(Id('Of `patient-merged` and `patient-unmerged`')),
    toPatientId: Type.Optional(Id('Of `patient-merged` and `patient-unmerged`')),
  },
  { title: 'HistoryEntry' },
);
export type HistoryEntry = Static<typeof HistoryEntry>;

export const History = Type.Object({ items: Type.Array(HistoryEntry) }, { title: 'History' });
