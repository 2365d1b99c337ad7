import { type Static, Type } from 'typebox';
import { mergePatchOf } from './merge-patch.ts';
import { Page, paging } from './paging.ts';
import {
  BirthDate,
  Email,
  Id,
  Instant,
  Language,
  OneOf,
  Phone,
  PlainDate,
  stored,
  VisibleText,
  WrittenPhone,
} from './scalars.ts';

export const Address = Type.Object(
  {
    lines: Type.Optional(Type.Array(VisibleText(200), { maxItems: 5 })),
    city: Type.Optional(VisibleText(100)),
    region: Type.Optional(VisibleText(100)),
    postalCode: Type.Optional(VisibleText(20)),
    country: Type.Optional(Type.String({ pattern: '^[A-Z]{2}$', description: 'ISO 3166-1 alpha-2' })),
  },
  { title: 'Address', additionalProperties: false },
);

/** A number that another organization gave the patient; unique within its system. */
const Identifier = Type.Object(
  {
    system: VisibleText(200, 'The issuer, as a URI: `urn:mrn`'),
    value: VisibleText(100),
  },
  { title: 'Identifier', additionalProperties: false },
);
export type Identifier = Static<typeof Identifier>;

const GENDERS = ['female', 'male', 'other', 'unknown'] as const;

const fields = {
  givenName: Type.Optional(VisibleText(100, 'Absent where a person has one name only')),
  familyName: VisibleText(100),
  birthDate: BirthDate(),
  gender: Type.Optional(OneOf(GENDERS, { description: "FHIR's administrative gender" })),
  email: Type.Optional(Email()),
  phone: Type.Optional(Phone()),
  address: Type.Optional(Address),
  identifiers: Type.Optional(Type.Array(Identifier, { maxItems: 20, uniqueItems: true })),
  language: Type.Optional(Language()),
};

const writable = { ...fields, phone: Type.Optional(WrittenPhone()) };

export const NewPatient = Type.Object(
  {
    ...writable,
    active: Type.Optional(Type.Boolean()),
    confirmedNew: Type.Optional(
      Type.Boolean({
        description: 'Registers in spite of 409 `possible-duplicate`: it is another person. Not stored',
      }),
    ),
  },
  { title: 'NewPatient', additionalProperties: false },
);
export type NewPatient = Static<typeof NewPatient>;

export const PatientPatch = mergePatchOf(Type.Object({ ...writable, active: Type.Boolean() }), 'PatientPatch');
export type PatientPatch = Static<typeof PatientPatch>;

const erasable = {
  familyName: Type.Optional(VisibleText(100, 'Absent after an erasure only')),
  birthDate: Type.Optional(PlainDate('Absent after an erasure only')),
};

export const Patient = Type.Object(
  {
    id: Id(),
    ...fields,
    ...erasable,
    active: Type.Boolean({ description: 'May have new appointments' }),
    replacedBy: Type.Optional(Id('After a merge: the record that stays. This one cannot be changed or booked for')),
    erasedAt: Type.Optional(Instant('The data of the person was erased then. The id stays, for the appointments')),
    ...stored,
  },
  { title: 'Patient' },
);
export type Patient = Static<typeof Patient>;

/** A patient whose data was not erased. */
export type IdentifiedPatient = Patient & Required<Pick<Patient, 'familyName' | 'birthDate'>>;

export const PatientPage = Page(Patient, 'PatientPage');

const search = {
  q: Type.Optional(
    VisibleText(
      100,
      'Words that names begin with, in any order; a birth date; the last digits of a phone (4 or more); the beginning of an e-mail or identifier',
    ),
  ),
  birthDate: Type.Optional(PlainDate()),
  ...paging,
};

const UUID = '[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}';

export const PatientQuery = Type.Object(
  {
    ...search,
    id: Type.Optional(
      Type.String({
        pattern: `^${UUID}(,${UUID}){0,99}$`,
        description:
          'Those of these ids, at most 100, with commas. Alone, it lists merged records as well, with `replacedBy`',
      }),
    ),
  },
  { additionalProperties: false },
);
export type PatientQuery = Static<typeof PatientQuery>;

/** Why the data of a patient is erased. A word of a list, because a text could name the person again. */
export const ERASURE_BASES = ['request', 'retention-ended', 'registered-by-mistake'] as const;

export const PatientErasure = Type.Object(
  { basis: OneOf(ERASURE_BASES, { description: 'Kept with the record' }) },
  { title: 'PatientErasure', additionalProperties: false },
);
export type PatientErasure = Static<typeof PatientErasure>;

/** The search in a request body, so that names stay out of URLs. */
export const PatientSearch = Type.Object(search, { title: 'PatientSearch', additionalProperties: false });
export type PatientSearch = Static<typeof PatientSearch>;
