import { type Static, Type } from 'typebox';
import { mergePatchOf } from './merge-patch.ts';
import { Page, paging } from './paging.ts';
import { Address } from './patient.ts';
import { Email, FreeText, Id, Instant, Phone, PlainDate, TimeZone, VisibleText, WrittenPhone } from './scalars.ts';

/** How pages show the clinic. */
const Branding = Type.Object(
  {
    accentColour: Type.String({
      pattern: '^#[0-9A-Fa-f]{6}$',
      format: 'accent-colour',
      description: '`#rrggbb`, with a contrast of at least 4.5 against white (WCAG AA); kept in lower case',
    }),
    logoText: Type.Optional(VisibleText(40, 'Shown in place of a logo')),
  },
  { title: 'Branding', additionalProperties: false },
);

const fields = {
  name: VisibleText(100),
  address: Type.Optional(Address),
  email: Type.Optional(Email()),
  timeZone: TimeZone(
    'IANA time zone of the clinic. New closures are whole days in it; the hours of doctors have their own',
  ),
  branding: Branding,
};

export const ClinicPatch = mergePatchOf(
  Type.Object({ ...fields, phone: Type.Optional(WrittenPhone()) }),
  'ClinicPatch',
);
export type ClinicPatch = Static<typeof ClinicPatch>;

/** The clinic that uses this Daybook, of which there is one. All of it is public. */
export const Clinic = Type.Object(
  {
    ...fields,
    phone: Type.Optional(Phone()),
    version: Type.Integer({ minimum: 1 }),
    updatedAt: Type.Optional(Instant('Absent until the first change')),
  },
  { title: 'Clinic' },
);
export type Clinic = Static<typeof Clinic>;

/** The longest closure. */
export const MAX_CLOSURE_DAYS = 366;

const closureFields = {
  startDate: PlainDate('The first closed day, in the zone of the clinic'),
  endDate: PlainDate('The last closed day, which may be the first'),
  reason: FreeText(200, 'Shown to all who sign in, patients as well'),
};

export const NewClosure = Type.Object(closureFields, { title: 'NewClosure', additionalProperties: false });
export type NewClosure = Static<typeof NewClosure>;

/** Whole days on which the weekly hours of no doctor count. Extra hours of a doctor count in spite of them. */
export const Closure = Type.Object(
  {
    id: Id(),
    ...closureFields,
    reason: Type.String(),
    timeZone: TimeZone('The zone of the clinic when the closure was added. It stays, as `start` and `end` do'),
    start: Instant('When the first day begins'),
    end: Instant('When the last day ends'),
    createdAt: Instant(),
  },
  { title: 'Closure' },
);
export type Closure = Static<typeof Closure>;

export const ClosurePage = Page(Closure, 'ClosurePage');

export const ClosureQuery = Type.Object(
  {
    from: Type.Optional(PlainDate('Closures that end on this day or later')),
    to: Type.Optional(PlainDate('Closures that start on this day or earlier')),
    ...paging,
  },
  { additionalProperties: false },
);
export type ClosureQuery = Static<typeof ClosureQuery>;
