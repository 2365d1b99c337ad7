/** The access table: which caller may call which operation of the API, and what it reaches. */
import { ROLES, type Role, type VerifiedCaller } from './caller.ts';

/** The roles of callers, and the requests that have no caller. */
export const ACCESS_ROLES = [...ROLES, 'anonymous'] as const;
export type AccessRole = (typeof ACCESS_ROLES)[number];

/**
 * What an operation reaches. `all`: every record. `own`: for a patient the records of the patients that the account may
 * act for, for a doctor the own record and calendar; anything else is 404. `public`: without contacts, active records
 * only. `none`: the operation is refused.
 */
export const REACHES = ['all', 'own', 'public', 'none'] as const;
export type Reach = (typeof REACHES)[number];

/** The special conditions, with their meaning. The service of an operation enforces them. */
export const accessConditions = {
  'own-patients': 'Patients that the doctor treats: a visit, and 90 days after it',
  emergency: 'For 60 minutes, with a reason; audited, and administrators are told',
  'contacts-only': 'Changes contacts only, never `active` or identifiers',
  'hides-reasons-of-others': 'Exceptions of other doctors come without their reason',
  'patient-absent-or-own': 'Without `patientId`, or with that of an own patient',
  'hold-limits': 'At most 3 holds at a time, and 20 an hour',
  'upcoming-limit': 'At most 5 upcoming appointments for each patient',
  'no-overbooking': 'No overbooking and no walk-in',
  'within-deadline': 'Until the cancellation deadline of the appointment type',
  'times-only': 'Ids and times only',
  'no-note': 'Changes the reason of the visit only; the note stays hidden',
  'hides-staff': 'Without the ids and reasons of staff',
  'invites-patients-only': 'Invites patients, and helps patients, only',
  'recent-sign-in': 'Needs a sign-in of the last 10 minutes',
  'public-page': 'Only where `DAYBOOK_PUBLIC_PAGE` is `on`; limited by client address',
} as const satisfies Record<string, string>;
export type AccessCondition = keyof typeof accessConditions;

/** The programs with the role `service` that some operations are for. These are the ids of their callers. */
export const SERVICE_CALLERS = ['appointment-service', 'identity-service', 'notification-service', 'import'] as const;
export type ServiceCaller = (typeof SERVICE_CALLERS)[number];

/** What one role may do with one operation. */
export interface Access {
  readonly reach: Reach;
  readonly conditions: readonly AccessCondition[];
  /** Of the role `service`: the only callers that may. Undefined means each service. */
  readonly services?: readonly ServiceCaller[];
}

const grant = (reach: Reach, conditions: readonly AccessCondition[]): Access => ({ reach, conditions });
const all = (...conditions: AccessCondition[]): Access => grant('all', conditions);
const own = (...conditions: AccessCondition[]): Access => grant('own', conditions);
const reduced = (...conditions: AccessCondition[]): Access => grant('public', conditions);
const only = (services: readonly ServiceCaller[], ...conditions: AccessCondition[]): Access => ({
  ...all(...conditions),
  services,
});
const NONE: Access = grant('none', []);

/** A role that a row does not name is refused. */
type AccessRow = Readonly<Partial<Record<AccessRole, Access>>>;

/** Whole access for these two roles. */
const DESK = { 'front-desk': all(), administrator: all() } as const;
const ADMINISTRATOR = { administrator: all() } as const;
/** Takes a person's whole data, or erases it. */
const ERASING = { administrator: all('recent-sign-in') } as const;
const EVERY_PERSON = { patient: all(), doctor: all(), ...DESK } as const;
const EVERY_DOCTOR = { doctor: all(), ...DESK } as const;
const OWN_DOCTOR = { doctor: own(), ...DESK } as const;

const rows = {
  findPatients: { doctor: own('own-patients'), ...DESK },
  searchPatients: { doctor: own('own-patients'), ...DESK },
  registerPatient: { ...DESK, service: only(['import', 'identity-service']) },
  getPatient: { patient: own(), doctor: own('own-patients'), ...DESK },
  getPatientEligibility: { service: only(['appointment-service']) },
  emergencyAccess: { doctor: all('emergency') },
  mergePatients: DESK,
  unmergePatients: ADMINISTRATOR,
  exportPatient: ERASING,
  exportAppointments: ERASING,
  exportMessages: ERASING,
  erasePatient: ERASING,
  getContactProof: { service: only(['identity-service']) },
  getFormerContact: { service: only(['identity-service']) },
  changePatient: { patient: own('contacts-only'), ...DESK },

  findDoctors: { ...EVERY_DOCTOR, patient: reduced(), anonymous: reduced('public-page') },
  getDoctor: { ...EVERY_DOCTOR, patient: reduced(), anonymous: reduced('public-page') },
  registerDoctor: { ...ADMINISTRATOR, service: only(['import']) },
  changeDoctor: { doctor: own('contacts-only'), ...ADMINISTRATOR },
  getAvailability: { ...EVERY_DOCTOR, service: only(['appointment-service']) },
  findAvailability: { ...EVERY_DOCTOR, service: only(['appointment-service']) },
  getSchedule: EVERY_DOCTOR,
  replaceSchedule: OWN_DOCTOR,
  listScheduleExceptions: { doctor: all('hides-reasons-of-others'), ...DESK },
  addScheduleException: OWN_DOCTOR,
  removeScheduleException: OWN_DOCTOR,
  previewExceptionImpact: OWN_DOCTOR,

  listAppointmentTypes: { ...EVERY_DOCTOR, patient: reduced(), anonymous: reduced('public-page') },
  getAppointmentType: { ...EVERY_DOCTOR, patient: reduced(), anonymous: reduced('public-page') },
  addAppointmentType: ADMINISTRATOR,
  changeAppointmentType: ADMINISTRATOR,

  findSlots: { ...EVERY_PERSON, anonymous: reduced('public-page') },
  findSlotDays: { ...EVERY_PERSON, anonymous: reduced('public-page') },
  explainSlot: { patient: own('patient-absent-or-own'), doctor: own('own-patients'), ...DESK },
  holdSlot: { patient: own('hold-limits'), ...OWN_DOCTOR },
  getHold: { patient: own(), ...OWN_DOCTOR },
  releaseHold: { patient: own(), ...OWN_DOCTOR },

  bookAppointment: { patient: own('upcoming-limit', 'no-overbooking'), ...OWN_DOCTOR },
  bookFirstFree: { patient: own('upcoming-limit', 'no-overbooking'), ...DESK },
  listAppointments: { patient: own(), ...OWN_DOCTOR },
  getAppointment: { patient: own(), ...OWN_DOCTOR, service: only(['notification-service'], 'times-only') },
  changeAppointment: { patient: own('no-note'), ...OWN_DOCTOR },
  rescheduleAppointment: { patient: own('within-deadline', 'no-overbooking'), ...OWN_DOCTOR },
  cancelAppointment: { patient: own('within-deadline'), ...OWN_DOCTOR },
  rescheduleManyAppointments: OWN_DOCTOR,
  cancelManyAppointments: OWN_DOCTOR,
  markArrived: OWN_DOCTOR,
  checkIn: OWN_DOCTOR,
  markFulfilled: OWN_DOCTOR,
  markNoShow: OWN_DOCTOR,
  stepBack: OWN_DOCTOR,
  getAppointmentHistory: { patient: own('hides-staff'), ...OWN_DOCTOR },
  listNotifications: { patient: own(), ...OWN_DOCTOR },

  getMe: { patient: own(), doctor: own(), 'front-desk': own(), administrator: own(), service: own() },
  streamEvents: { patient: own(), ...OWN_DOCTOR },
  listPatientLinks: { patient: own(), ...OWN_DOCTOR },
  grantPatientLink: { 'front-desk': all('recent-sign-in'), administrator: all('recent-sign-in') },
  redeemPatientLink: { patient: own(), doctor: own(), 'front-desk': own(), administrator: own() },
  revokePatientLink: { patient: own(), doctor: own(), ...ADMINISTRATOR },
  listRecordAccess: { patient: own(), ...DESK },
  listSessions: { patient: own(), doctor: own(), 'front-desk': own(), ...ADMINISTRATOR },
  endSession: { patient: own(), doctor: own(), 'front-desk': own(), ...ADMINISTRATOR },
  listAccounts: ADMINISTRATOR,
  changeAccount: ADMINISTRATOR,
  addInvitation: { 'front-desk': all('invites-patients-only'), ...ADMINISTRATOR },
  addRecoveryLink: {
    'front-desk': all('invites-patients-only', 'recent-sign-in'),
    administrator: all('recent-sign-in'),
  },
  searchAudit: { patient: own(), ...ADMINISTRATOR },
  getClinic: { ...EVERY_PERSON, anonymous: reduced() },
  changeClinic: ADMINISTRATOR,
  listClosures: EVERY_PERSON,
  addClosure: ADMINISTRATOR,
  removeClosure: ADMINISTRATOR,

  listParkedEvents: ADMINISTRATOR,
  resendParkedEvent: ADMINISTRATOR,
  showRegistry: ADMINISTRATOR,
  listRoutes: ADMINISTRATOR,
} as const satisfies Record<string, AccessRow>;

export type OperationId = keyof typeof rows;

const table: ReadonlyMap<string, AccessRow> = new Map(Object.entries(rows));

/** The ids of all operations of the table, in its order. */
export const accessOperations: readonly string[] = [...table.keys()];

const WEB = 'comes with the web application';

/** The operations of the table that the API document does not have yet, or never has, with the reason. */
export const plannedOperations: Readonly<Partial<Record<OperationId, string>>> = {
  previewExceptionImpact: WEB,
  findSlotDays: WEB,
  rescheduleManyAppointments: WEB,
  cancelManyAppointments: WEB,
  streamEvents: WEB,
  showRegistry: 'a page for operators, outside the API document',
  listRoutes: 'a page for operators, outside the API document',
};

/** Returns what a role may do with an operation. An operation without a row is refused. */
export const accessOf = (operationId: string, role: AccessRole): Access => table.get(operationId)?.[role] ?? NONE;

/**
 * Returns what a caller may do with an operation; undefined is an anonymous caller. The token of a service must name
 * the operation in its scope.
 */
export function accessOfCaller(operationId: string, caller: VerifiedCaller | undefined): Access {
  const access = accessOf(operationId, caller?.role ?? 'anonymous');
  if (caller?.role !== 'service') return access;
  const isService = access.services === undefined || access.services.some((service) => service === caller.id);
  return isService && caller.scope?.includes(operationId) ? access : NONE;
}

/** Returns the roles that may call an operation at all. */
export const rolesFor = (operationId: string): Role[] =>
  ROLES.filter((role) => accessOf(operationId, role).reach !== 'none');
