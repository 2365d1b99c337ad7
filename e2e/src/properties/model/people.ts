/** Patients, doctors with their working time, and appointment types in the model. */
import { newIdOf } from './booking.ts';
import type { ApiResponse, CallOf, Hours } from './calls.ts';
import type { Expected, Outcome } from './expected.ts';
import { provided, refuse } from './preconditions.ts';
import { type AppointmentType, type Doctor, put, type State } from './state.ts';
import { DAY, toIso } from './units.ts';

/** Takes fields that the model ignores, above all names, from the response. */
const mergeBody = ({ body }: ApiResponse, known: object): object => ({
  ...(typeof body === 'object' && body !== null ? body : {}),
  ...known,
});

export function registerPatient(
  state: State,
  _: CallOf<'register-patient'>,
  _now: number,
  response: ApiResponse,
): Outcome {
  const patient = { id: newIdOf(response), active: true, version: 1 };
  const expected: Expected = {
    ...{ status: 201, body: mergeBody(response, patient), version: 1 },
    location: `/api/v1/patients/${patient.id}`,
  };
  return { expected, state: put(state, 'patients', patient) };
}

export function changePatient(
  state: State,
  { id, active, ifMatch }: CallOf<'change-patient'>,
  _: number,
  response: ApiResponse,
): Outcome {
  const before = state.patients.get(id);
  if (!before) return refuse(state, 'not-found');
  const { version } = before;
  const after = { id, active, version: version + 1 };
  const expected: Expected = { status: 200, body: mergeBody(response, after), version: after.version };
  return provided(state, { ifMatch, version }, { expected, state: put(state, 'patients', after) });
}

export function changeDoctor(
  state: State,
  { id, patch, ifMatch }: CallOf<'change-doctor'>,
  _: number,
  response: ApiResponse,
): Outcome {
  const before = state.doctors.get(id);
  if (!before) return refuse(state, 'not-found');
  const { appointmentTypeIds, ...others } = patch;
  const offers = appointmentTypeIds === undefined ? before.offers : (appointmentTypeIds ?? undefined);
  const after = { ...before, ...others, offers, version: before.version + 1 };
  const { active, specialties, version } = after;
  const known = { id, active, specialties, appointmentTypeIds: offers, version };
  const expected: Expected = { status: 200, body: mergeBody(response, known), version };
  return provided(state, { ifMatch, version: before.version }, { expected, state: put(state, 'doctors', after) });
}

const overlaps = (hours: readonly Hours[]): boolean =>
  hours.some(
    (a) => a.end <= a.start || hours.some((b) => a !== b && a.day === b.day && a.start < b.end && b.start < a.end),
  );

/** Before every other day. */
const ALWAYS = '0000-01-01';

export function replaceSchedule(state: State, call: CallOf<'replace-schedule'>): Outcome {
  const { id, hours, validFrom = ALWAYS } = call;
  if (overlaps(hours)) return refuse(state, 'overlapping-hours');
  const before = state.doctors.get(id);
  if (!before) return refuse(state, 'not-found');
  const staying = before.periods.filter((period) => period.validFrom < validFrom);
  const after = { ...before, periods: [...staying, { validFrom, hours }], version: before.version + 1 };
  const body = { timeZone: before.timeZone, weeklyHours: hours, validFrom: call.validFrom };
  return { expected: { status: 200, body }, state: put(state, 'doctors', after) };
}

const withExceptions = (doctor: Doctor, exceptions: Doctor['exceptions']): Doctor => ({
  ...doctor,
  exceptions,
  version: doctor.version + 1,
});

export function addException(state: State, call: CallOf<'add-exception'>, _: number, response: ApiResponse): Outcome {
  const { id: doctorId, kind, start, end, ifMatch } = call;
  if (end <= start) return refuse(state, 'invalid-interval');
  if (end - start > 366 * DAY) return refuse(state, 'range-too-long');
  const before = state.doctors.get(doctorId);
  if (!before) return refuse(state, 'not-found');
  const id = newIdOf(response);
  const body = { id, doctorId, kind, start: toIso(start), end: toIso(end) };
  const expected: Expected = { status: 201, body, location: `/api/v1/doctors/${doctorId}/exceptions/${id}` };
  const after = withExceptions(before, [...before.exceptions, { id, kind, start, end }]);
  return provided(state, { ifMatch, version: before.version }, { expected, state: put(state, 'doctors', after) });
}

export function removeException(state: State, call: CallOf<'remove-exception'>): Outcome {
  const { id: doctorId, exceptionId, ifMatch } = call;
  const before = state.doctors.get(doctorId);
  if (!before?.exceptions.some(({ id }) => id === exceptionId)) return refuse(state, 'not-found');
  const exceptions = before.exceptions.filter(({ id }) => id !== exceptionId);
  const after = put(state, 'doctors', withExceptions(before, exceptions));
  const removed: Outcome = { expected: { status: 204, body: undefined }, state: after };
  return provided(state, { ifMatch, version: before.version }, removed);
}

const DEFAULTS = {
  ...{ bufferBeforeMinutes: 0, bufferAfterMinutes: 0, minimumNoticeMinutes: 0, planningHorizonDays: 180 },
  ...{ cancellationDeadlineMinutes: 0, capacity: 1, active: true, version: 1 },
};

export function addType(state: State, { body }: CallOf<'add-type'>, _: number, response: ApiResponse): Outcome {
  if ([...state.types.values()].some(({ name }) => name === body.name)) return refuse(state, 'name-taken');
  const type: AppointmentType = { ...DEFAULTS, ...body, id: newIdOf(response) };
  const expected: Expected = {
    ...{ status: 201, body: type, version: 1 },
    location: `/api/v1/appointment-types/${type.id}`,
  };
  return { expected, state: put(state, 'types', type) };
}

export function changeType(state: State, { id, patch, ifMatch }: CallOf<'change-type'>): Outcome {
  const before = state.types.get(id);
  if (!before) return refuse(state, 'not-found');
  const after: AppointmentType = { ...before, ...patch, id, version: before.version + 1 };
  const expected: Expected = { status: 200, body: after, version: after.version };
  return provided(state, { ifMatch, version: before.version }, { expected, state: put(state, 'types', after) });
}
