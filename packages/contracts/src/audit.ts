/** The audit trail, as administrators and patients read it. */
import { type Static, Type } from 'typebox';
import { ROLES } from './caller.ts';
import { Page, paging } from './paging.ts';
import { Id, Instant, OneOf } from './scalars.ts';

/** Calls of the operations of all services; `operation` names which. The others are steps of identity. */
export const CALL_ACTIONS = ['record-read', 'changed', 'call-refused'] as const;
export type CallAction = (typeof CALL_ACTIONS)[number];

export const AUDIT_ACTIONS = [
  ...CALL_ACTIONS,
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
    service: Type.String({ description: 'The service that recorded it: `patient`, `identity`, …' }),
    operation: Type.Optional(Type.String({ description: 'The `operationId` of a call' })),
    actorRole: Type.Optional(OneOf(ROLES)),
    actorId: Type.Optional(Id('The account that did it; patients see their own only')),
    program: Type.Optional(Type.String({ description: 'The program that did it, instead of an account' })),
    accountId: Type.Optional(Id('The account that it is about')),
    patientIds: Type.Array(Id(), { description: 'The patients that it is about; patients see their own only' }),
    subjectId: Type.Optional(Id('What was called for or changed, such as an appointment')),
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
    operation: Type.Optional(
      Type.String({ pattern: '^[a-zA-Z]{1,60}$', description: 'Calls of this operation: `emergencyAccess`' }),
    ),
    subjectId: Type.Optional(Id('With `operation`: those about this, such as one emergency access')),
    ...paging,
  },
  { additionalProperties: false },
);
export type AuditQuery = Static<typeof AuditQuery>;
