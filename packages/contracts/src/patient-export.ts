/** The data of one patient, whole. Each service exports its own part, to administrators. */
import { type Static, Type } from 'typebox';
import { Appointment, HistoryEntry } from './appointment.ts';
import { EmergencyAccess } from './emergency-access.ts';
import { Message } from './notification.ts';
import { Page, paging } from './paging.ts';
import { ERASURE_BASES, Patient } from './patient.ts';
import { Id, Instant, OneOf } from './scalars.ts';

/** A merge or an unmerge, with its author and reason. */
const MergeEntry = Type.Object(
  {
    patientId: Id('The record that was merged or separated'),
    at: Instant(),
    by: Type.Object({ id: Type.String(), role: Type.String() }),
    action: OneOf(['merged', 'unmerged']),
    into: Id(),
    reason: Type.Optional(Type.String({ description: 'Absent after an erasure' })),
  },
  { title: 'MergeEntry' },
);
export type MergeEntry = Static<typeof MergeEntry>;

const ExportedEmergencyAccess = Type.Object(
  {
    ...EmergencyAccess.properties,
    accountId: Type.String({ description: 'The account of the doctor' }),
    reason: Type.Optional(Type.String({ description: 'Absent after an erasure' })),
  },
  { title: 'ExportedEmergencyAccess' },
);

/** The other parts, as addresses to request. A page names the next one. */
const ExportPart = Type.Object(
  {
    name: OneOf(['appointments', 'messages', 'access', 'audit']),
    href: Type.String({ description: 'An address of this API, with the ids of all merged records' }),
  },
  { title: 'ExportPart' },
);

export const PatientExport = Type.Object(
  {
    exportedAt: Instant(),
    patient: Patient,
    merged: Type.Array(Patient, { description: 'The records that were merged into this one' }),
    merges: Type.Array(MergeEntry),
    emergencyAccesses: Type.Array(ExportedEmergencyAccess),
    erasureBasis: Type.Optional(OneOf(ERASURE_BASES)),
    parts: Type.Array(ExportPart, { description: 'The rest of the data, at the other services' }),
  },
  { title: 'PatientExport' },
);
export type PatientExport = Static<typeof PatientExport>;

const query = { patientId: Id('A page has the data of one record'), ...paging };

export const PatientPartQuery = Type.Object(query, { additionalProperties: false });
export type PatientPartQuery = Static<typeof PatientPartQuery>;

export const ExportedAppointment = Type.Object(
  { appointment: Appointment, history: Type.Array(HistoryEntry) },
  { title: 'ExportedAppointment' },
);
export type ExportedAppointment = Static<typeof ExportedAppointment>;

export const ExportedAppointmentPage = Page(ExportedAppointment, 'ExportedAppointmentPage');
export const ExportedMessagePage = Page(Message, 'ExportedMessagePage');

/** Whether a contact of a record proves that a person is the patient. */
export const ContactProof = Type.Object(
  {
    id: Id(),
    isProof: Type.Boolean({ description: 'A contact exists, is older than 7 days, and belongs to no other record' }),
    reason: Type.Optional(OneOf(['no-contact', 'changed-recently', 'shared'])),
  },
  { title: 'ContactProof' },
);
export type ContactProof = Static<typeof ContactProof>;

/** The e-mail address before a change, which is told of the change. */
export const FormerContact = Type.Object(
  { id: Id('The change'), email: Type.Optional(Type.String()), language: Type.Optional(Type.String()) },
  { title: 'FormerContact' },
);
export type FormerContact = Static<typeof FormerContact>;
