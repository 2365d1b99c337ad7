/** The calls of the API that the model knows, as plain data. */
import type { Schemas } from '@daybook/client';

export type Hours = Schemas['NewSchedule']['weeklyHours'][number];
export type ExceptionKind = Schemas['NewScheduleException']['kind'];
export type VisitStep = 'arrive' | 'check-in' | 'fulfil' | 'no-show';
type Body<Name extends keyof Schemas> = Readonly<Schemas[Name]>;

/** Options of any call: the key of a POST, and the expected version of a change. */
interface Conditions {
  readonly key?: string;
  readonly ifMatch?: string;
}

interface Kinds {
  'register-patient': object;
  'change-patient': { readonly id: string; readonly active: boolean };
  'change-doctor': {
    readonly id: string;
    readonly patch: { active?: boolean; specialties?: string[]; appointmentTypeIds?: string[] | null };
  };
  'replace-schedule': { readonly id: string; readonly hours: readonly Hours[]; readonly validFrom?: string };
  'add-exception': { readonly id: string; readonly kind: ExceptionKind; readonly start: number; readonly end: number };
  'remove-exception': { readonly id: string; readonly exceptionId: string };
  'add-type': { readonly body: Body<'NewAppointmentType'> };
  'change-type': { readonly id: string; readonly patch: Body<'AppointmentTypePatch'> };
  'find-slots': {
    readonly target: { readonly doctorId: string } | { readonly specialty: string };
    readonly typeId: string;
    readonly from: number;
    readonly to: number;
    readonly limit: number;
    readonly walkIn?: boolean;
  };
  explain: {
    readonly doctorId: string;
    readonly typeId: string;
    readonly start: number;
    readonly patientId?: string;
    readonly walkIn?: boolean;
  };
  book: { readonly body: Body<'NewAppointment'> };
  'book-first-free': { readonly body: Body<'FirstFreeBooking'> };
  hold: { readonly body: Body<'NewHold'> };
  'get-hold': { readonly id: string };
  release: { readonly id: string };
  reschedule: { readonly id: string; readonly body: Body<'Reschedule'> };
  change: { readonly id: string; readonly patch: Body<'AppointmentPatch'> };
  cancel: { readonly id: string; readonly reason: string };
  'take-step': { readonly id: string; readonly step: VisitStep };
  'step-back': { readonly id: string; readonly reason: string };
  get: { readonly id: string };
  history: { readonly id: string };
  /** The whole list, in pages of `limit`. */
  list: { readonly query: ListQuery; readonly limit: number };
}

export interface ListQuery {
  readonly doctorId?: string;
  readonly patientId?: string;
  /** One or several, separated by commas. */
  readonly status?: string;
  readonly needsRescheduling?: boolean;
  readonly from?: string;
  readonly to?: string;
}

export type CallKind = keyof Kinds;
export type CallOf<Kind extends CallKind> = { readonly [K in Kind]: { readonly do: K } & Kinds[K] & Conditions }[Kind];
export type Call = CallOf<CallKind>;

/** The response of the system. */
export interface ApiResponse {
  readonly status: number;
  readonly body: unknown;
  readonly etag: string | null;
  readonly location: string | null;
  readonly replayed: boolean;
}

export const READS: readonly CallKind[] = ['find-slots', 'explain', 'get-hold', 'get', 'history', 'list'];
/** Calls after which earlier bookings may need rescheduling. */
export const CHANGES_OF_FACTS: readonly CallKind[] = [
  'change-patient',
  'change-doctor',
  'replace-schedule',
  'add-exception',
  'remove-exception',
  'change-type',
];
