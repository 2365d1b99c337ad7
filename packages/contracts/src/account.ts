/** Accounts of people: what they may sign in as, the patients that they act for, and their sessions. */
import { type Static, Type } from 'typebox';
import { ROLES, type Role } from './caller.ts';
import { mergePatchOf } from './merge-patch.ts';
import { Page, paging } from './paging.ts';
import { BirthDate, Email, Id, Instant, Language, OneOf, stored, VisibleText } from './scalars.ts';

/** The roles of people. A service has a client instead of an account. */
export const ACCOUNT_ROLES = ['patient', 'doctor', 'front-desk', 'administrator'] as const satisfies readonly Role[];
export type AccountRole = (typeof ACCOUNT_ROLES)[number];

/** An invited account has no credentials yet. A disabled one keeps them and cannot be used. */
export const ACCOUNT_STATUSES = ['invited', 'active', 'disabled'] as const;
export type AccountStatus = (typeof ACCOUNT_STATUSES)[number];

/** What a person is to a patient of the account. */
export const RELATIONS = ['self', 'guardian', 'carer'] as const;
export type Relation = (typeof RELATIONS)[number];

/** How staff made sure of the identity of a person. The method is kept, and never a number of a document. */
export const IDENTITY_CHECKS = ['photo-id', 'insurance-card', 'known-in-person', 'contact-on-record'] as const;
export type IdentityCheck = (typeof IDENTITY_CHECKS)[number];

const link = {
  relation: OneOf(RELATIONS, { description: 'What the person is to the patient' }),
  until: Type.Optional(Instant('The link ends then; without it, it has no end')),
};
const identityCheck = { identityCheck: OneOf(IDENTITY_CHECKS, { description: 'How staff checked the identity' }) };

/** A patient that an account acts for. */
export const PatientLink = Type.Object({ id: Id('The patient'), ...link }, { title: 'PatientLink' });
export type PatientLink = Static<typeof PatientLink>;

/** An account has at most 50, so the list has one page. */
export const PatientLinkList = Type.Object({ items: Type.Array(PatientLink) }, { title: 'PatientLinkList' });

export const Me = Type.Object(
  {
    id: Type.String({ description: 'The account; of a service, its name' }),
    role: OneOf(ROLES),
    displayName: Type.Optional(Type.String()),
    locale: Type.Optional(Language()),
    patients: Type.Array(PatientLink),
    doctorId: Type.Optional(Id()),
    session: Type.Optional(
      Type.Object(
        {
          authenticatedAt: Instant('Some operations need a sign-in of the last 10 minutes'),
          idleEndsAt: Instant('The session ends then without activity'),
          endsAt: Instant('The session ends then in any case'),
        },
        { title: 'OwnSession' },
      ),
    ),
  },
  { title: 'Me' },
);
export type Me = Static<typeof Me>;

const fields = {
  role: OneOf(ACCOUNT_ROLES),
  displayName: VisibleText(200),
  locale: Language(),
  doctorId: Type.Optional(Id('The doctor that the account belongs to; for the role `doctor` only')),
};

export const Account = Type.Object(
  { id: Id(), ...fields, status: OneOf(ACCOUNT_STATUSES), email: Type.String(), ...stored },
  { title: 'Account' },
);
export type Account = Static<typeof Account>;

export const AccountPage = Page(Account, 'AccountPage');

export const AccountPatch = mergePatchOf(
  Type.Object({ ...fields, status: OneOf(['active', 'disabled']) }),
  'AccountPatch',
);
export type AccountPatch = Static<typeof AccountPatch>;

export const AccountQuery = Type.Object(
  {
    q: Type.Optional(VisibleText(100, 'Words that the name begins with, in any order, or the beginning of the e-mail')),
    role: Type.Optional(OneOf(ACCOUNT_ROLES)),
    status: Type.Optional(OneOf(ACCOUNT_STATUSES)),
    patientId: Type.Optional(Id('Accounts that act for this patient now')),
    ...paging,
  },
  { additionalProperties: false },
);
export type AccountQuery = Static<typeof AccountQuery>;

/** `me`, or the id of an account. */
export const AccountRef = () =>
  Type.String({
    pattern: '^(me|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$',
    description: 'An id, or `me` for the account of the caller',
  });

export const NewInvitation = Type.Object(
  {
    role: OneOf(ACCOUNT_ROLES),
    email: Email(),
    displayName: VisibleText(200),
    locale: Type.Optional(Language()),
    doctorId: Type.Optional(Id('For the role `doctor`')),
    patient: Type.Optional(
      Type.Object(
        { id: Id('The patient that the account acts for'), ...link, ...identityCheck },
        { title: 'InvitationPatient', additionalProperties: false },
      ),
    ),
  },
  { title: 'NewInvitation', additionalProperties: false },
);
export type NewInvitation = Static<typeof NewInvitation>;

/** How a person gets a one-time link. */
const delivered = {
  accountId: Id(),
  delivery: OneOf(['mail', 'by-hand'], { description: '`by-hand` where no mail is configured' }),
  link: Type.Optional(
    Type.String({ description: 'Of `by-hand`: give it to the person. It works once; a repeated request lacks it' }),
  ),
  expiresAt: Instant(),
};

export const Invitation = Type.Object(delivered, { title: 'Invitation' });
export type Invitation = Static<typeof Invitation>;

export const NewLinkCode = Type.Object(
  {
    patientId: Id(),
    birthDate: BirthDate(),
    ...link,
    ...identityCheck,
  },
  { title: 'NewLinkCode', additionalProperties: false },
);
export type NewLinkCode = Static<typeof NewLinkCode>;

/** A code by which a signed-in person gets a patient record. It is shown once. */
export const LinkCode = Type.Object(
  {
    patientId: Id(),
    relation: OneOf(RELATIONS),
    code: Type.Optional(
      Type.String({ description: 'Give it to the person: `7K3M-9QXA-20VB-HT5D`. A repeated request lacks it' }),
    ),
    expiresAt: Instant(),
  },
  { title: 'LinkCode' },
);
export type LinkCode = Static<typeof LinkCode>;

export const LinkCodeUse = Type.Object(
  {
    code: Type.String({ minLength: 1, maxLength: 40 }),
    birthDate: Type.String({ format: 'date', description: 'The birth date in the record' }),
  },
  { title: 'LinkCodeUse', additionalProperties: false },
);
export type LinkCodeUse = Static<typeof LinkCodeUse>;

/** An account that acts for a patient, as the patient sees it. */
export const RecordAccess = Type.Object(
  { accountId: Id(), displayName: Type.String(), ...link, since: Instant() },
  { title: 'RecordAccess' },
);
export type RecordAccess = Static<typeof RecordAccess>;

export const RecordAccessPage = Page(RecordAccess, 'RecordAccessPage');

export const RecordAccessQuery = Type.Object({ patientId: Id(), ...paging }, { additionalProperties: false });
export type RecordAccessQuery = Static<typeof RecordAccessQuery>;

export const AccountSession = Type.Object(
  {
    handle: Type.String({ description: 'Names the session, and does not open it' }),
    device: Type.String({ description: 'A browser and a system: `Firefox on Linux`' }),
    methods: Type.Array(Type.String(), { description: 'RFC 8176' }),
    authenticatedAt: Instant(),
    lastActiveAt: Instant(),
    endsAt: Instant(),
    current: Type.Boolean({ description: 'Whether the request came from this session' }),
  },
  { title: 'AccountSession' },
);
export type AccountSession = Static<typeof AccountSession>;

/** An account has at most 20, so the list has one page. */
export const AccountSessionList = Type.Object({ items: Type.Array(AccountSession) }, { title: 'AccountSessionList' });
