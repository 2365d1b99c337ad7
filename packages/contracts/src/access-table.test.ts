import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  ACCESS_ROLES,
  type AccessRole,
  accessConditions,
  accessOf,
  accessOfCaller,
  accessOperations,
  plannedOperations,
  REACHES,
  rolesFor,
  SERVICE_CALLERS,
} from './access-table.ts';
import type { Role, VerifiedCaller } from './caller.ts';

const DOCUMENT = join(import.meta.dirname, '../../../docs/openapi.json');

/** Returns the ids of all operations of the API document. */
async function documentedOperations(): Promise<string[]> {
  const { paths }: { paths: Record<string, Record<string, { operationId?: string }>> } = JSON.parse(
    await readFile(DOCUMENT, 'utf8'),
  );
  return Object.values(paths).flatMap((methods) =>
    Object.values(methods).map(({ operationId }) => operationId ?? 'an operation without an id'),
  );
}

const planned = Object.keys(plannedOperations);

describe('the access table', () => {
  it('has a row for every operation of the API document, and no other rows than planned ones', async () => {
    const documented = await documentedOperations();
    expect(documented.length).toBeGreaterThan(40);
    expect(new Set(documented).size).toBe(documented.length);
    expect([...documented, ...planned].toSorted()).toEqual(accessOperations.toSorted());
  });

  it('gives each planned operation a reason', () => {
    for (const reason of Object.values(plannedOperations)) expect(reason).toMatch(/^\w[^.]{10,}$/);
  });

  it('lets at least one role call each operation', () => {
    for (const operationId of accessOperations) {
      expect(
        ACCESS_ROLES.some((role) => accessOf(operationId, role).reach !== 'none'),
        operationId,
      ).toBe(true);
    }
  });

  it('uses each condition, and each service', () => {
    const rows = accessOperations.flatMap((id) => ACCESS_ROLES.map((role) => accessOf(id, role)));
    expect(new Set(rows.flatMap(({ conditions }) => conditions))).toEqual(new Set(Object.keys(accessConditions)));
    expect(new Set(rows.flatMap(({ services = [] }) => services))).toEqual(new Set(SERVICE_CALLERS));
    expect(new Set(rows.map(({ reach }) => reach))).toEqual(new Set(REACHES));
  });

  it('lists services for the role of services only, and every service for its own record only', () => {
    for (const id of accessOperations) {
      for (const role of ACCESS_ROLES.filter((each) => each !== 'service')) {
        expect(accessOf(id, role)).not.toHaveProperty('services');
      }
      const { reach, services } = accessOf(id, 'service');
      if (services === undefined) expect([id, reach]).toEqual([id, id === 'getMe' ? 'own' : 'none']);
    }
  });
});

describe('by default', () => {
  it.each(ACCESS_ROLES)('an operation without a row is refused to %s', (role) => {
    for (const id of ['dropDatabase', '', '__proto__', 'constructor', 'toString']) {
      expect(accessOf(id, role)).toEqual({ reach: 'none', conditions: [] });
    }
  });

  it('a request without a caller reaches public parts only', () => {
    const open = accessOperations.filter((id) => accessOf(id, 'anonymous').reach !== 'none');
    expect(open).toEqual([
      ...['findDoctors', 'getDoctor', 'listAppointmentTypes', 'getAppointmentType', 'findSlots', 'findSlotDays'],
      'getClinic',
    ]);
    for (const id of open) expect(accessOf(id, 'anonymous').reach).toBe('public');
  });

  it('a patient reaches all records of slots and the clinic only', () => {
    const whole = accessOperations.filter((id) => accessOf(id, 'patient').reach === 'all');
    expect(whole).toEqual(['findSlots', 'findSlotDays', 'getClinic', 'listClosures']);
  });
});

/** The table again, so that a change of one cell fails. Only a change on purpose changes both. */
const DESIGN: Readonly<Record<string, Record<AccessRole, string>>> = {
  findPatients: row('none', 'own', 'all', 'all', 'none', 'none'),
  searchPatients: row('none', 'own', 'all', 'all', 'none', 'none'),
  registerPatient: row('none', 'none', 'all', 'all', 'all', 'none'),
  getPatient: row('own', 'own', 'all', 'all', 'none', 'none'),
  getPatientEligibility: row('none', 'none', 'none', 'none', 'all', 'none'),
  emergencyAccess: row('none', 'all', 'none', 'none', 'none', 'none'),
  mergePatients: row('none', 'none', 'all', 'all', 'none', 'none'),
  unmergePatients: row('none', 'none', 'none', 'all', 'none', 'none'),
  changePatient: row('own', 'none', 'all', 'all', 'none', 'none'),
  findDoctors: row('public', 'all', 'all', 'all', 'none', 'public'),
  getDoctor: row('public', 'all', 'all', 'all', 'none', 'public'),
  registerDoctor: row('none', 'none', 'none', 'all', 'all', 'none'),
  changeDoctor: row('none', 'own', 'none', 'all', 'none', 'none'),
  getAvailability: row('none', 'all', 'all', 'all', 'all', 'none'),
  findAvailability: row('none', 'all', 'all', 'all', 'all', 'none'),
  getSchedule: row('none', 'all', 'all', 'all', 'none', 'none'),
  replaceSchedule: row('none', 'own', 'all', 'all', 'none', 'none'),
  listScheduleExceptions: row('none', 'all', 'all', 'all', 'none', 'none'),
  addScheduleException: row('none', 'own', 'all', 'all', 'none', 'none'),
  removeScheduleException: row('none', 'own', 'all', 'all', 'none', 'none'),
  previewExceptionImpact: row('none', 'own', 'all', 'all', 'none', 'none'),
  listAppointmentTypes: row('public', 'all', 'all', 'all', 'none', 'public'),
  getAppointmentType: row('public', 'all', 'all', 'all', 'none', 'public'),
  addAppointmentType: row('none', 'none', 'none', 'all', 'none', 'none'),
  changeAppointmentType: row('none', 'none', 'none', 'all', 'none', 'none'),
  findSlots: row('all', 'all', 'all', 'all', 'none', 'public'),
  findSlotDays: row('all', 'all', 'all', 'all', 'none', 'public'),
  explainSlot: row('own', 'own', 'all', 'all', 'none', 'none'),
  holdSlot: row('own', 'own', 'all', 'all', 'none', 'none'),
  getHold: row('own', 'own', 'all', 'all', 'none', 'none'),
  releaseHold: row('own', 'own', 'all', 'all', 'none', 'none'),
  bookAppointment: row('own', 'own', 'all', 'all', 'none', 'none'),
  bookFirstFree: row('own', 'none', 'all', 'all', 'none', 'none'),
  listAppointments: row('own', 'own', 'all', 'all', 'none', 'none'),
  getAppointment: row('own', 'own', 'all', 'all', 'all', 'none'),
  changeAppointment: row('own', 'own', 'all', 'all', 'none', 'none'),
  rescheduleAppointment: row('own', 'own', 'all', 'all', 'none', 'none'),
  cancelAppointment: row('own', 'own', 'all', 'all', 'none', 'none'),
  rescheduleManyAppointments: row('none', 'own', 'all', 'all', 'none', 'none'),
  cancelManyAppointments: row('none', 'own', 'all', 'all', 'none', 'none'),
  markArrived: row('none', 'own', 'all', 'all', 'none', 'none'),
  checkIn: row('none', 'own', 'all', 'all', 'none', 'none'),
  markFulfilled: row('none', 'own', 'all', 'all', 'none', 'none'),
  markNoShow: row('none', 'own', 'all', 'all', 'none', 'none'),
  stepBack: row('none', 'own', 'all', 'all', 'none', 'none'),
  getAppointmentHistory: row('own', 'own', 'all', 'all', 'none', 'none'),
  listNotifications: row('own', 'own', 'all', 'all', 'none', 'none'),
  getMe: row('own', 'own', 'own', 'own', 'own', 'none'),
  streamEvents: row('own', 'own', 'all', 'all', 'none', 'none'),
  listPatientLinks: row('own', 'own', 'all', 'all', 'none', 'none'),
  grantPatientLink: row('none', 'none', 'all', 'all', 'none', 'none'),
  redeemPatientLink: row('own', 'own', 'own', 'own', 'none', 'none'),
  revokePatientLink: row('own', 'own', 'none', 'all', 'none', 'none'),
  listRecordAccess: row('own', 'none', 'all', 'all', 'none', 'none'),
  listSessions: row('own', 'own', 'own', 'all', 'none', 'none'),
  endSession: row('own', 'own', 'own', 'all', 'none', 'none'),
  listAccounts: row('none', 'none', 'none', 'all', 'none', 'none'),
  changeAccount: row('none', 'none', 'none', 'all', 'none', 'none'),
  addInvitation: row('none', 'none', 'all', 'all', 'none', 'none'),
  addRecoveryLink: row('none', 'none', 'all', 'all', 'none', 'none'),
  searchAudit: row('own', 'none', 'none', 'all', 'none', 'none'),
  getClinic: row('all', 'all', 'all', 'all', 'none', 'public'),
  changeClinic: row('none', 'none', 'none', 'all', 'none', 'none'),
  listClosures: row('all', 'all', 'all', 'all', 'none', 'none'),
  addClosure: row('none', 'none', 'none', 'all', 'none', 'none'),
  removeClosure: row('none', 'none', 'none', 'all', 'none', 'none'),
  listParkedEvents: row('none', 'none', 'none', 'all', 'none', 'none'),
  resendParkedEvent: row('none', 'none', 'none', 'all', 'none', 'none'),
  showRegistry: row('none', 'none', 'none', 'all', 'none', 'none'),
  listRoutes: row('none', 'none', 'none', 'all', 'none', 'none'),
};

it('each operation is for the roles that the design names', () => {
  const reachesOf = (id: string) => Object.fromEntries(ACCESS_ROLES.map((role) => [role, accessOf(id, role).reach]));
  expect(Object.fromEntries(accessOperations.map((id) => [id, reachesOf(id)]))).toEqual(DESIGN);
});

it('each cell that has conditions or names services has those of the design', () => {
  const cells = accessOperations.flatMap((id) =>
    ACCESS_ROLES.map((role) => {
      const { conditions, services = [] } = accessOf(id, role);
      return `${id} ${role}: ${[...conditions, ...services].join(' ')}`;
    }),
  );
  expect(cells.filter((cell) => !cell.endsWith(': '))).toEqual([
    'findPatients doctor: own-patients',
    'searchPatients doctor: own-patients',
    'registerPatient service: import identity-service',
    'getPatient doctor: own-patients',
    'getPatientEligibility service: appointment-service',
    'emergencyAccess doctor: emergency',
    'changePatient patient: contacts-only',
    'findDoctors anonymous: public-page',
    'getDoctor anonymous: public-page',
    'registerDoctor service: import',
    'changeDoctor doctor: contacts-only',
    'getAvailability service: appointment-service',
    'findAvailability service: appointment-service',
    'listScheduleExceptions doctor: hides-reasons-of-others',
    'listAppointmentTypes anonymous: public-page',
    'getAppointmentType anonymous: public-page',
    'findSlots anonymous: public-page',
    'findSlotDays anonymous: public-page',
    'explainSlot patient: patient-absent-or-own',
    'explainSlot doctor: own-patients',
    'holdSlot patient: hold-limits',
    'bookAppointment patient: upcoming-limit no-overbooking',
    'bookFirstFree patient: upcoming-limit no-overbooking',
    'getAppointment service: times-only notification-service',
    'changeAppointment patient: no-note',
    'rescheduleAppointment patient: within-deadline no-overbooking',
    'cancelAppointment patient: within-deadline',
    'getAppointmentHistory patient: hides-staff',
    'grantPatientLink front-desk: recent-sign-in',
    'grantPatientLink administrator: recent-sign-in',
    'addInvitation front-desk: invites-patients-only',
    'addRecoveryLink front-desk: invites-patients-only recent-sign-in',
    'addRecoveryLink administrator: recent-sign-in',
  ]);
});

function row(patient: string, doctor: string, desk: string, administrator: string, service: string, anonymous: string) {
  return { patient, doctor, 'front-desk': desk, administrator, service, anonymous };
}

describe('a caller', () => {
  const caller = (role: Role, id: string, scope?: string[]): VerifiedCaller => ({
    ...{ id, role, patientIds: [] },
    ...(scope && { scope }),
  });
  const reachOf = (operationId: string, of: VerifiedCaller | undefined) => accessOfCaller(operationId, of).reach;

  it('has the access of its role', () => {
    expect(accessOfCaller('changePatient', caller('patient', 'ana'))).toEqual({
      reach: 'own',
      conditions: ['contacts-only'],
    });
  });

  it('that is absent is anonymous', () => {
    expect(reachOf('findSlots', undefined)).toBe('public');
    expect(reachOf('getPatient', undefined)).toBe('none');
  });

  it('that is a service needs the operation in its scope, and its name in the row', () => {
    const operation = 'getPatientEligibility';
    expect(reachOf(operation, caller('service', 'appointment-service', [operation]))).toBe('all');
    expect(reachOf(operation, caller('service', 'appointment-service', ['getAvailability']))).toBe('none');
    expect(reachOf(operation, caller('service', 'appointment-service'))).toBe('none');
    expect(reachOf(operation, caller('service', 'notification-service', [operation]))).toBe('none');
    expect(reachOf('getMe', caller('service', 'notification-service', ['getMe']))).toBe('own');
  });

  it('gains nothing from the name of a service without the role', () => {
    expect(reachOf('getPatientEligibility', caller('administrator', 'appointment-service'))).toBe('none');
  });
});

it('the roles of an operation are those that may call it at all', () => {
  expect(rolesFor('bookFirstFree')).toEqual(['patient', 'front-desk', 'administrator']);
  expect(rolesFor('dropDatabase')).toEqual([]);
});
