/** One request for each operation of the API document, for the table of operations and roles. */
import { halfHour } from '@daybook/testing';

/** The records that a request is about. Each request has an appointment and a hold of its own. */
export interface Target {
  readonly patientId: string;
  readonly otherPatientId: string;
  readonly doctorId: string;
  readonly appointmentTypeId: string;
  readonly appointmentId: string;
  readonly holdId: string;
  readonly exceptionId: string;
  /** A number that no other request has. */
  readonly n: number;
}

export interface AccessRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below `/api/v1`. */
  readonly path: string;
  readonly body?: object;
}

type RequestOf = (target: Target) => AccessRequest;

const get =
  (pathOf: (target: Target) => string): RequestOf =>
  (target) => ({ method: 'GET', path: pathOf(target) });
const send =
  (
    method: AccessRequest['method'],
    pathOf: (target: Target) => string,
    bodyOf?: (target: Target) => object,
  ): RequestOf =>
  (target) => ({ method, path: pathOf(target), ...(bodyOf && { body: bodyOf(target) }) });

const range = `from=${halfHour(0)}&to=${halfHour(48)}`;
const visitOf = ({ patientId, doctorId, appointmentTypeId, n }: Target) => ({
  patientId,
  doctorId,
  appointmentTypeId,
  start: halfHour(4_000 + n),
});
const appointment =
  (action = '') =>
  ({ appointmentId }: Target) =>
    `/appointments/${appointmentId}${action}`;
const doctor =
  (part = '') =>
  ({ doctorId }: Target) =>
    `/doctors/${doctorId}${part}`;
const patient =
  (part = '') =>
  ({ patientId }: Target) =>
    `/patients/${patientId}${part}`;
/** There is no account of this id, because the tokens here belong to none. */
const patientAccount = ({ patientId }: Target) => `/accounts/${patientId}`;
const DAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
/** The hours that the doctor has already, because later requests book there. */
const week = { timeZone: 'UTC', weeklyHours: DAYS.map((day) => ({ day, start: '00:00', end: '24:00' })) };

export const accessRequests: Readonly<Record<string, RequestOf>> = {
  findPatients: get(() => '/patients?q=mark'),
  searchPatients: send(
    'POST',
    () => '/patients/search',
    () => ({ q: 'mark' }),
  ),
  registerPatient: send(
    'POST',
    () => '/patients',
    ({ n }) => ({
      givenName: 'New',
      familyName: `Person ${n}`,
      birthDate: '1990-02-01',
      confirmedNew: true,
    }),
  ),
  getPatient: get(patient()),
  getPatientEligibility: get(patient('/eligibility')),
  mergePatients: send(
    'POST',
    ({ otherPatientId }) => `/patients/${otherPatientId}/merge`,
    ({ patientId }) => ({
      into: patientId,
      reason: 'the same person',
    }),
  ),
  unmergePatients: send('POST', patient('/unmerge'), () => ({ reason: 'another person' })),
  exportPatient: get(patient('/export')),
  exportAppointments: get(({ patientId }) => `/appointments/export?patientId=${patientId}`),
  exportMessages: get(({ patientId }) => `/notifications/export?patientId=${patientId}`),
  erasePatient: send(
    'POST',
    ({ otherPatientId }) => `/patients/${otherPatientId}/erasure`,
    () => ({ basis: 'request' }),
  ),
  getContactProof: get(patient('/contact-proof')),
  getFormerContact: get(({ patientId }) => `/patients/${patientId}/contact-changes/${patientId}`),
  changePatient: send('PATCH', patient(), () => ({ phone: '+15551234567' })),

  findDoctors: get(() => '/doctors'),
  getDoctor: get(doctor()),
  registerDoctor: send(
    'POST',
    () => '/doctors',
    ({ n }) => ({ givenName: 'New', familyName: `Doctor ${n}`, timeZone: 'UTC' }),
  ),
  changeDoctor: send('PATCH', doctor(), () => ({ phone: '+15551234567' })),
  getAvailability: get(doctor(`/availability?${range}`)),
  findAvailability: get(() => `/availability?specialty=general-practice&${range}`),
  getSchedule: get(doctor('/schedule')),
  replaceSchedule: send('PUT', doctor('/schedule'), () => week),
  listScheduleExceptions: get(doctor('/exceptions')),
  addScheduleException: send('POST', doctor('/exceptions'), ({ n }) => ({
    kind: 'time-off',
    start: halfHour(8_000 + n),
    end: halfHour(8_001 + n),
  })),
  removeScheduleException: send(
    'DELETE',
    ({ doctorId, exceptionId }) => `/doctors/${doctorId}/exceptions/${exceptionId}`,
  ),

  listAppointmentTypes: get(() => '/appointment-types'),
  getAppointmentType: get(({ appointmentTypeId }) => `/appointment-types/${appointmentTypeId}`),
  addAppointmentType: send(
    'POST',
    () => '/appointment-types',
    ({ n }) => ({ name: `Added ${n}`, durationMinutes: 30 }),
  ),
  changeAppointmentType: send(
    'PATCH',
    ({ appointmentTypeId }) => `/appointment-types/${appointmentTypeId}`,
    () => ({
      durationMinutes: 30,
    }),
  ),

  findSlots: get(
    ({ doctorId, appointmentTypeId }) => `/slots?doctorId=${doctorId}&appointmentTypeId=${appointmentTypeId}&${range}`,
  ),
  explainSlot: get((target) => `/slots/explanation?${new URLSearchParams(visitOf(target))}`),
  holdSlot: send(
    'POST',
    () => '/holds',
    (target) => {
      const { doctorId, appointmentTypeId, start } = visitOf(target);
      return { doctorId, appointmentTypeId, start };
    },
  ),
  getHold: get(({ holdId }) => `/holds/${holdId}`),
  releaseHold: send('DELETE', ({ holdId }) => `/holds/${holdId}`),

  bookAppointment: send('POST', () => '/appointments', visitOf),
  bookFirstFree: send(
    'POST',
    () => '/appointments/first-free',
    ({ patientId, appointmentTypeId }) => ({
      patientId,
      appointmentTypeId,
      specialty: 'general-practice',
      from: halfHour(60),
      to: halfHour(400),
    }),
  ),
  listAppointments: get(() => '/appointments'),
  getAppointment: get(appointment()),
  changeAppointment: send('PATCH', appointment(), () => ({ reason: 'a cough' })),
  rescheduleAppointment: send('POST', appointment('/reschedule'), ({ n }) => ({ start: halfHour(6_000 + n) })),
  cancelAppointment: send('POST', appointment('/cancel'), () => ({ reason: 'cannot come' })),
  markArrived: send('POST', appointment('/arrive')),
  checkIn: send('POST', appointment('/check-in')),
  markFulfilled: send('POST', appointment('/fulfil')),
  markNoShow: send('POST', appointment('/no-show')),
  stepBack: send('POST', appointment('/step-back'), () => ({ reason: 'by mistake' })),
  getAppointmentHistory: get(appointment('/history')),
  listNotifications: get(({ appointmentId }) => `/notifications?appointmentId=${appointmentId}`),

  emergencyAccess: send('POST', patient('/emergency-access'), () => ({ reason: 'unconscious' })),

  getMe: get(() => '/me'),
  listAccounts: get(() => '/accounts'),
  changeAccount: send('PATCH', patientAccount, () => ({ locale: 'de' })),
  addInvitation: send(
    'POST',
    () => '/accounts/invitations',
    ({ n }) => ({ role: 'patient', email: `person${n}@clinic.example`, displayName: 'Person' }),
  ),
  addRecoveryLink: send('POST', (target) => `${patientAccount(target)}/recovery-links`),
  listPatientLinks: get((target) => `${patientAccount(target)}/patients`),
  listRecordAccess: get(({ patientId }) => `/accounts/access?patientId=${patientId}`),
  grantPatientLink: send(
    'POST',
    () => '/accounts/link-codes',
    ({ patientId }) => ({ patientId, birthDate: '1990-02-01', relation: 'self', identityCheck: 'passport' }),
  ),
  redeemPatientLink: send(
    'POST',
    () => '/accounts/me/patients',
    () => ({ code: 'AAAA-AAAA-AAAA', birthDate: '1990-02-01' }),
  ),
  revokePatientLink: send('DELETE', (target) => `${patientAccount(target)}/patients/${target.patientId}`),
  listSessions: get((target) => `${patientAccount(target)}/sessions`),
  endSession: send('DELETE', (target) => `${patientAccount(target)}/sessions/${'0'.repeat(64)}`),
  searchAudit: get(({ patientId }) => `/audit?patientId=${patientId}`),

  getClinic: get(() => '/clinic'),
  changeClinic: send(
    'PATCH',
    () => '/clinic',
    ({ n }) => ({ name: `Clinic ${n}` }),
  ),
  listClosures: get(() => '/clinic/closures'),
  addClosure: send(
    'POST',
    () => '/clinic/closures',
    ({ n }) => {
      const day = Temporal.PlainDate.from('2040-01-01').add({ days: n }).toString();
      return { startDate: day, endDate: day, reason: 'a holiday' };
    },
  ),
  removeClosure: send('DELETE', ({ patientId }) => `/clinic/closures/${patientId}`),

  listParkedEvents: get(() => '/admin/parked-events'),
  resendParkedEvent: send('POST', ({ patientId }) => `/admin/parked-events/notification.messages/${patientId}/resend`),
};
