import { type Static, Type } from 'typebox';
import { mergePatchOf } from './merge-patch.ts';
import { Page, paging } from './paging.ts';
import { FreeText, Id, Instant, OneOf, SomeOf, Specialty, stored, TimeZone, WalkIn } from './scalars.ts';

/** The statuses of FHIR's Appointment. */
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
    description: 'Books next to what the doctor has at that time already: on purpose, by staff only',
  },
);
export type Overbooking = Static<typeof Overbooking>;

/** The most upcoming appointments of a patient that patients can book themselves. Staff is not limited. */
export const MAX_UPCOMING_OF_PATIENT = 5;

/** The ways to choose a time when an appointment is booked or moved. */
const choices = {
  walkIn: WalkIn('Books the current five minutes, whatever notice the type requires'),
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

/** Books the doctor of the specialty that is free first. */
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
    note: Type.Optional(Type.String({ description: 'For staff only: patients do not see it' })),
    needsRescheduling: Type.Boolean({
      description:
        'The facts that it was booked on have changed since: leave, a participant who is not active, a type that is not in use',
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
    status: Type.Optional(SomeOf(APPOINTMENT_STATUSES, 'One or several, separated by commas: `booked,arrived`')),
    needsRescheduling: Type.Optional(
      Type.Boolean({ description: 'Only those that do; from now on, unless `from` is set' }),
    ),
    from: Type.Optional(Instant('Ends after: what is under way then is listed')),
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

export const StepBack = Type.Object(
  { reason: FreeText(500, 'Kept in the history') },
  { title: 'StepBack', additionalProperties: false },
);
export type StepBack = Static<typeof StepBack>;

export const Reschedule = Type.Object(
  {
    start: Instant(),
    doctorId: Type.Optional(Id()),
    appointmentTypeId: Type.Optional(Id('Another type; needed where the present one is not in use any more')),
    reason: Type.Optional(FreeText(500, 'Why it is moved; kept in the history')),
    ...choices,
  },
  { title: 'Reschedule', additionalProperties: false },
);
export type Reschedule = Static<typeof Reschedule>;

/** The fields that can change without moving the appointment. Null removes the reason or the note. */
export const AppointmentPatch = mergePatchOf(
  Type.Object({
    reason: Type.Optional(FreeText(500, 'Why the patient comes')),
    note: Type.Optional(FreeText(2000, 'For staff only: patients do not see it')),
    appointmentTypeId: Id('Another type, by all rules of a booking: the end changes with it'),
  }),
  'AppointmentPatch',
);
export type AppointmentPatch = Static<typeof AppointmentPatch>;

export const HISTORY_ACTIONS = [
  'booked',
  'rescheduled',
  'updated',
  'cancelled',
  'arrived',
  'checked-in',
  'fulfilled',
  'noshow',
  'stepped-back',
  'flagged',
  'unflagged',
  'patient-merged',
  'patient-unmerged',
] as const;
export type HistoryAction = (typeof HISTORY_ACTIONS)[number];

const Times = Type.Object({
  doctorId: Id(),
  start: Instant(),
  end: Instant(),
  appointmentTypeId: Type.Optional(Id('Where the type changed')),
});

/** The fields that an update changes. */
export const UPDATED_FIELDS = ['appointmentTypeId', 'reason', 'note'] as const;
export type UpdatedField = (typeof UPDATED_FIELDS)[number];

/** The status that a step back undoes, and the status that it restores. */
export const StatusChange = Type.Object({ from: Status(), to: Status() });
export type StatusChange = Static<typeof StatusChange>;

/** One change of an appointment: the change, its time, its author and its reason. */
export const HistoryEntry = Type.Object(
  {
    at: Instant(),
    by: Type.Object({
      id: Type.Optional(Type.String({ description: 'For staff only' })),
      role: Type.String(),
    }),
    action: OneOf(HISTORY_ACTIONS),
    sequence: Type.Integer(),
    from: Type.Optional(Times),
    to: Type.Optional(Times),
    status: Type.Optional(StatusChange),
    reason: Type.Optional(Type.String()),
    walkIn: Type.Optional(Type.Boolean({ description: 'Taken in the current five minutes' })),
    changed: Type.Optional(Type.Array(OneOf(UPDATED_FIELDS), { description: 'Of an update: which fields' })),
    overbookingReason: Type.Optional(
      Type.String({ description: 'Of an overbooking that is a move with a `reason` of its own' }),
    ),
    overbooked: Type.Optional(
      Type.Boolean({ description: 'On purpose, next to what the doctor had at that time already' }),
    ),
    reschedulingReasons: Type.Optional(Type.Array(Type.String())),
    fromPatientId: Type.Optional(Id('Of `patient-merged` and `patient-unmerged`')),
    toPatientId: Type.Optional(Id('Of `patient-merged` and `patient-unmerged`')),
  },
  { title: 'HistoryEntry' },
);
export type HistoryEntry = Static<typeof HistoryEntry>;

export const History = Type.Object({ items: Type.Array(HistoryEntry) }, { title: 'History' });
