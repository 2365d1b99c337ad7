/** The audit trail, as administrators and patients read it. */
import { type Static, Type } from 'typebox';
import { ROLES } from './caller.ts';
import { Page, paging } from './paging.ts';
import { Id, Instant, OneOf } from './scalars.ts';

export const AUDIT_ACTIONS = [
  'sign-in',
  'sign-in-failed',
  'recovery-requested',
  'recovery-link-made',
  'credentials-set',
  'password-changed',
  'passkey-added',
  'passkey-removed',
  'account-invited',
  'account-created',
  'account-changed',
  'session-ended',
  'link-code-made',
  'patient-linked',
  'patient-link-refused',
  'patient-link-revoked',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

export const AuditEntry = Type.Object(
  {
    position: Type.Integer({ minimum: 1, description: 'In the chain' }),
    at: Instant(),
    action: OneOf(AUDIT_ACTIONS),
    actorRole: Type.Optional(OneOf(ROLES)),
    actorId: Type.Optional(Id('The account that did it; patients see their own only')),
    accountId: Type.Optional(Id('The account that it is about')),
    patientId: Type.Optional(Id('The patient that it is about')),
    detail: Type.Optional(Type.String({ description: 'Methods, changed fields, the kind of an identity check' })),
  },
  { title: 'AuditEntry' },
);
export type AuditEntry = Static<typeof AuditEntry>;

export const AuditPage = Page(AuditEntry, 'AuditPage');

export const AuditQuery = Type.Object(
  {
    accountId: Type.Optional(Id('Entries about this account')),
    actorId: Type.Optional(Id('Entries of what this account did; for administrators')),
    patientId: Type.Optional(Id('Entries about this patient')),
    ...paging,
  },
  { additionalProperties: false },
);
export type AuditQuery = Static<typeof AuditQuery>;
