/** What the audit trail keeps of each operation. */
import type { OperationId } from './access-table.ts';

/**
 * `read`: shows records of patients, so a successful call by staff is an entry. `change`: its store adds the entry in
 * the transaction of the change. `own`: identity writes entries of its own. `none`: neither shows records of patients
 * nor changes anything. A refused call of a person is always an entry.
 */
export type AuditKind = 'read' | 'change' | 'own' | 'none';

const kinds: Readonly<Record<OperationId, AuditKind>> = {
  findPatients: 'read',
  searchPatients: 'read',
  registerPatient: 'change',
  getPatient: 'read',
  getPatientEligibility: 'none',
  emergencyAccess: 'change',
  mergePatients: 'change',
  unmergePatients: 'change',
  exportPatient: 'read',
  exportAppointments: 'read',
  exportMessages: 'read',
  erasePatient: 'change',
  getContactProof: 'none',
  getFormerContact: 'none',
  changePatient: 'change',

  findDoctors: 'none',
  getDoctor: 'none',
  registerDoctor: 'change',
  changeDoctor: 'change',
  getAvailability: 'none',
  findAvailability: 'none',
  getSchedule: 'none',
  replaceSchedule: 'change',
  listScheduleExceptions: 'none',
  addScheduleException: 'change',
  removeScheduleException: 'change',
  previewExceptionImpact: 'read',

  listAppointmentTypes: 'none',
  getAppointmentType: 'none',
  addAppointmentType: 'change',
  changeAppointmentType: 'change',

  findSlots: 'none',
  findSlotDays: 'none',
  explainSlot: 'read',
  holdSlot: 'change',
  getHold: 'none',
  releaseHold: 'change',

  bookAppointment: 'change',
  bookFirstFree: 'change',
  listAppointments: 'read',
  getAppointment: 'read',
  changeAppointment: 'change',
  rescheduleAppointment: 'change',
  cancelAppointment: 'change',
  rescheduleManyAppointments: 'change',
  cancelManyAppointments: 'change',
  markArrived: 'change',
  checkIn: 'change',
  markFulfilled: 'change',
  markNoShow: 'change',
  stepBack: 'change',
  getAppointmentHistory: 'read',
  listNotifications: 'read',

  getMe: 'none',
  streamEvents: 'read',
  listPatientLinks: 'read',
  grantPatientLink: 'own',
  redeemPatientLink: 'own',
  revokePatientLink: 'own',
  listRecordAccess: 'read',
  listSessions: 'none',
  endSession: 'own',
  listAccounts: 'none',
  changeAccount: 'own',
  addInvitation: 'own',
  addRecoveryLink: 'own',
  searchAudit: 'read',
  getClinic: 'none',
  changeClinic: 'change',
  listClosures: 'none',
  addClosure: 'change',
  removeClosure: 'change',

  listParkedEvents: 'none',
  resendParkedEvent: 'change',
  showRegistry: 'none',
  listRoutes: 'none',
};

const table: ReadonlyMap<string, AuditKind> = new Map(Object.entries(kinds));

/** Returns what the audit trail keeps of an operation. */
export const auditKindOf = (operationId: string): AuditKind => table.get(operationId) ?? 'none';
