import { type Static, Type } from 'typebox';
import { mergePatchOf } from './merge-patch.ts';
import { Page, paging } from './paging.ts';
import {
  Email,
  FreeText,
  Id,
  Instant,
  Language,
  OneOf,
  Phone,
  PlainDate,
  Specialty,
  stored,
  TimeZone,
  VisibleText,
  WrittenPhone,
} from './scalars.ts';

/** The most appointment types that one doctor may offer. */
export const MAX_OFFERED_TYPES = 200;

const offered = {
  appointmentTypeIds: Type.Optional(
    Type.Array(Id(), {
      maxItems: MAX_OFFERED_TYPES,
      uniqueItems: true,
      description:
        'The appointment types that the doctor offers; without it, all. An id that no type has offers nothing',
    }),
  ),
};

const person = {
  givenName: Type.Optional(VisibleText(100, 'Absent where a person has one name only')),
  familyName: VisibleText(100),
  email: Type.Optional(Email()),
  ...offered,
};
const writablePhone = { phone: Type.Optional(WrittenPhone()) };

/** Explains in the API document which of the two zones of a doctor applies. */
const HOME_ZONE =
  'IANA time zone, for a doctor without a schedule. Hours, slots and visits are in the zone of the schedule, which counts';

export const NewDoctor = Type.Object(
  {
    ...person,
    ...writablePhone,
    specialties: Type.Optional(Type.Array(Specialty(), { maxItems: 20, uniqueItems: true })),
    languages: Type.Optional(Type.Array(Language(), { maxItems: 20, uniqueItems: true })),
    timeZone: TimeZone(HOME_ZONE),
    active: Type.Optional(Type.Boolean()),
  },
  { title: 'NewDoctor', additionalProperties: false },
);
export type NewDoctor = Static<typeof NewDoctor>;

const fields = {
  ...person,
  specialties: Type.Array(Specialty(), { maxItems: 20, uniqueItems: true }),
  languages: Type.Array(Language(), { maxItems: 20, uniqueItems: true }),
  timeZone: TimeZone(HOME_ZONE),
  active: Type.Boolean({ description: 'May have new appointments' }),
};

export const DoctorPatch = mergePatchOf(Type.Object({ ...fields, ...writablePhone }), 'DoctorPatch');
export type DoctorPatch = Static<typeof DoctorPatch>;

/** FHIR's Practitioner. */
export const Doctor = Type.Object(
  { id: Id(), ...fields, phone: Type.Optional(Phone()), ...stored },
  { title: 'Doctor' },
);
export type Doctor = Static<typeof Doctor>;

export const DoctorPage = Page(Doctor, 'DoctorPage');

export const DoctorQuery = Type.Object(
  {
    q: Type.Optional(VisibleText(100, 'Words that names begin with, in any order')),
    specialty: Type.Optional(Specialty()),
    active: Type.Optional(Type.Boolean()),
    ...paging,
  },
  { additionalProperties: false },
);
export type DoctorQuery = Static<typeof DoctorQuery>;

export const DAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;

const Hours = Type.Object(
  {
    day: OneOf(DAYS),
    start: Type.String({ pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$', description: 'Wall-clock time: `09:00`' }),
    end: Type.String({
      pattern: '^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$',
      description: 'Wall-clock time; `24:00` is the end of the day',
    }),
  },
  { title: 'Hours', additionalProperties: false },
);
export type Hours = Static<typeof Hours>;

/** The most periods in one doctor's schedule, past periods included. */
export const MAX_SCHEDULE_PERIODS = 100;

const scheduleFields = {
  timeZone: TimeZone(
    'IANA time zone of these hours. It counts for them, their slots and visits, not that of the doctor',
  ),
  weeklyHours: Type.Array(Hours, { maxItems: 100 }),
};

/** Weekly hours in a request: complete, and valid from their first day. */
export const NewSchedule = Type.Object(
  {
    ...scheduleFields,
    validFrom: Type.Optional(
      PlainDate('From this day on, in the zone; the hours before it stay. Without it, these are the only hours'),
    ),
  },
  { title: 'NewSchedule', additionalProperties: false },
);
export type NewSchedule = Static<typeof NewSchedule>;

/** One period of a doctor's schedule: weekly hours, in wall-clock time of the zone. */
export const Schedule = Type.Object(
  {
    ...scheduleFields,
    validFrom: Type.Optional(PlainDate('The first day of these hours; without it, they are from always')),
    validThrough: Type.Optional(PlainDate('Their last day; without it, no others follow')),
  },
  { title: 'Schedule' },
);
export type Schedule = Static<typeof Schedule>;

export const ScheduleQuery = Type.Object(
  { on: Type.Optional(PlainDate('The hours in force on this day; without it, today in their zone')) },
  { additionalProperties: false },
);
export type ScheduleQuery = Static<typeof ScheduleQuery>;

export const EXCEPTION_KINDS = ['time-off', 'extra-hours'] as const;
export type ExceptionKind = (typeof EXCEPTION_KINDS)[number];

/** The longest exception. A longer absence needs several exceptions or a doctor who is not active. */
export const MAX_EXCEPTION_DAYS = 366;

const exceptionFields = {
  kind: OneOf(EXCEPTION_KINDS, { description: 'Leave, or hours beside the weekly ones; where both are, leave counts' }),
  start: Instant(),
  end: Instant(),
};

export const NewScheduleException = Type.Object(
  { ...exceptionFields, reason: Type.Optional(FreeText(500, 'For staff only: patients do not see it')) },
  { title: 'NewScheduleException', additionalProperties: false },
);
export type NewScheduleException = Static<typeof NewScheduleException>;

/** Leave or extra hours that override a doctor's weekly hours. */
export const ScheduleException = Type.Object(
  { id: Id(), doctorId: Id(), ...exceptionFields, reason: Type.Optional(Type.String()), createdAt: Instant() },
  { title: 'ScheduleException' },
);
export type ScheduleException = Static<typeof ScheduleException>;

export const ScheduleExceptionPage = Page(ScheduleException, 'ScheduleExceptionPage');

export const ScheduleExceptionQuery = Type.Object(
  {
    from: Type.Optional(Instant('Starts at or after')),
    to: Type.Optional(Instant('Starts before')),
    ...paging,
  },
  { additionalProperties: false },
);
export type ScheduleExceptionQuery = Static<typeof ScheduleExceptionQuery>;

/** The longest range of availability in one request. */
export const MAX_AVAILABILITY_DAYS = 62;

const range = { from: Instant(), to: Instant() };

export const AvailabilityQuery = Type.Object(range, { additionalProperties: false });
export type AvailabilityQuery = Static<typeof AvailabilityQuery>;

export const AvailabilitySearchQuery = Type.Object(
  { specialty: Specialty(), ...range, ...paging },
  { additionalProperties: false },
);
export type AvailabilitySearchQuery = Static<typeof AvailabilitySearchQuery>;

/** The open intervals that hours, exceptions and closures leave: in time order, not overlapping, cut to the requested range. */
export const Availability = Type.Object(
  {
    doctorId: Id(),
    version: Type.Integer({
      minimum: 1,
      description: "The doctor's, when all of this was read: events with a `sequence` up to it are included",
    }),
    timeZone: TimeZone(),
    active: Type.Boolean(),
    ...offered,
    items: Type.Array(
      Type.Object({
        start: Instant(),
        end: Instant(),
        timeZone: Type.Optional(Type.String({ description: 'Where the doctor works in another zone then' })),
      }),
    ),
    closed: Type.Optional(
      Type.Array(Type.Object({ start: Instant(), end: Instant() }), {
        description: 'When the clinic is closed in the range, if it is. Extra hours of the doctor may lie within',
      }),
    ),
  },
  { title: 'Availability' },
);
export type Availability = Static<typeof Availability>;

export const AvailabilityPage = Page(Availability, 'AvailabilityPage');
