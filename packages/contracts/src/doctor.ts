import { type Static, Type } from 'typebox';
import { mergePatchOf } from './merge-patch.ts';
import { Page, paging } from './paging.ts';
import { Email, Id, Instant, Language, OneOf, Phone, stored, TimeZone, VisibleText } from './scalars.ts';

const Specialty = () =>
  Type.String({ pattern: '^[a-z0-9]+(-[a-z0-9]+)*$', maxLength: 100, description: 'kebab-case: `general-practice`' });

const writable = {
  givenName: VisibleText(100),
  familyName: VisibleText(100),
  email: Type.Optional(Email()),
  phone: Type.Optional(Phone()),
};

export const NewDoctor = Type.Object(
  {
    ...writable,
    specialties: Type.Optional(Type.Array(Specialty(), { maxItems: 20, uniqueItems: true })),
    languages: Type.Optional(Type.Array(Language(), { maxItems: 20, uniqueItems: true })),
    timeZone: TimeZone(),
    active: Type.Optional(Type.Boolean()),
  },
  { title: 'NewDoctor', additionalProperties: false },
);
export type NewDoctor = Static<typeof NewDoctor>;

const kept = {
  ...writable,
  specialties: Type.Array(Specialty(), { maxItems: 20, uniqueItems: true }),
  languages: Type.Array(Language(), { maxItems: 20, uniqueItems: true }),
  timeZone: TimeZone(),
  active: Type.Boolean({ description: 'May have new appointments' }),
};

export const DoctorPatch = mergePatchOf(Type.Object(kept), 'DoctorPatch');
export type DoctorPatch = Static<typeof DoctorPatch>;

/** FHIR's Practitioner. */
export const Doctor = Type.Object({ id: Id(), ...kept, ...stored }, { title: 'Doctor' });
export type Doctor = Static<typeof Doctor>;

export const DoctorPage = Page(Doctor, 'DoctorPage');

export const DoctorQuery = Type.Object(
  {
    q: Type.Optional(VisibleText(100, 'Beginning of a name')),
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

/** A doctor's weekly hours, in wall-clock time of the zone. */
export const Schedule = Type.Object(
  { timeZone: TimeZone(), weeklyHours: Type.Array(Hours, { maxItems: 100 }) },
  { title: 'Schedule', additionalProperties: false },
);
export type Schedule = Static<typeof Schedule>;

/** The longest range of availability that can be asked at once. */
export const MAX_AVAILABILITY_DAYS = 62;

export const AvailabilityQuery = Type.Object({ from: Instant(), to: Instant() }, { additionalProperties: false });
export type AvailabilityQuery = Static<typeof AvailabilityQuery>;

/** The open intervals that hours (and exceptions) leave, in time order, not overlapping, cut to the range asked. */
export const Availability = Type.Object(
  {
    doctorId: Id(),
    timeZone: TimeZone(),
    active: Type.Boolean(),
    items: Type.Array(Type.Object({ start: Instant(), end: Instant() })),
  },
  { title: 'Availability' },
);
export type Availability = Static<typeof Availability>;
