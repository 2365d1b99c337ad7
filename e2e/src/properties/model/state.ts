/** The state of a clinic in the model: immutable plain values, of which every call creates a new one. */
import type { Schemas } from '@daybook/client';
import type { ApiResponse, ExceptionKind, Hours } from './calls.ts';

export type Status = Schemas['Appointment']['status'];

export interface Interval {
  readonly start: number;
  readonly end: number;
}

export interface Patient {
  readonly id: string;
  readonly active: boolean;
  readonly version: number;
}

export interface Exception extends Interval {
  readonly id: string;
  readonly kind: ExceptionKind;
}

/** Weekly hours, from their first day on. */
export interface Period {
  readonly validFrom: string;
  readonly hours: readonly Hours[];
}

export interface Doctor {
  readonly id: string;
  readonly timeZone: string;
  readonly active: boolean;
  readonly specialties: readonly string[];
  /** The ids of the types that the doctor offers; undefined: all. */
  readonly offers?: readonly string[] | undefined;
  readonly periods: readonly Period[];
  readonly exceptions: readonly Exception[];
  readonly version: number;
}

export type AppointmentType = Omit<Schemas['AppointmentType'], 'createdAt' | 'updatedAt'>;
export type Entry = Omit<Schemas['HistoryEntry'], 'at' | 'by'> & { readonly by: string };

/** Reserved time with a doctor, as long as the appointment type was at the time of the reservation. */
export interface Taken {
  readonly id: string;
  readonly doctorId: string;
  readonly doctorTime: Interval;
  /** The type whose present capacity decides how many share the time. */
  readonly typeId: string;
}

export interface Appointment extends Interval, Taken {
  readonly patientId: string;
  readonly timeZone: string;
  readonly status: Status;
  readonly sequence: number;
  readonly reason: string | undefined;
  readonly note?: string | undefined;
  /** The reasons to reschedule; empty without any. */
  readonly reasons: readonly string[];
  readonly version: number;
  readonly history: readonly Entry[];
}

export interface Hold extends Interval, Taken {
  readonly expiresAt: number;
}

/** The response to a POST with an Idempotency-Key. */
export interface StoredResponse {
  readonly fingerprint: string;
  readonly response: ApiResponse;
  readonly at: number;
}

export interface State {
  readonly patients: ReadonlyMap<string, Patient>;
  readonly doctors: ReadonlyMap<string, Doctor>;
  readonly types: ReadonlyMap<string, AppointmentType>;
  readonly appointments: ReadonlyMap<string, Appointment>;
  readonly holds: ReadonlyMap<string, Hold>;
  readonly storedResponses: ReadonlyMap<string, StoredResponse>;
}

export const EMPTY: State = {
  patients: new Map(),
  doctors: new Map(),
  types: new Map(),
  appointments: new Map(),
  holds: new Map(),
  storedResponses: new Map(),
};

type Collection = Exclude<keyof State, 'storedResponses'>;
type ItemOf<Name extends Collection> = State[Name] extends ReadonlyMap<string, infer Item> ? Item : never;

/** Returns the state with an item added or replaced. */
export function put<Name extends Collection>(
  state: State,
  name: Name,
  item: ItemOf<Name> & { readonly id: string },
): State {
  return { ...state, [name]: new Map<string, unknown>(state[name]).set(item.id, item) };
}

export function without(state: State, name: Collection, id: string): State {
  const items = new Map<string, unknown>(state[name]);
  items.delete(id);
  return { ...state, [name]: items };
}

/** Returns the appointments that keep the doctor's and the patient's time. */
export const standing = (state: State): Appointment[] =>
  [...state.appointments.values()].filter(({ status }) => status !== 'cancelled');

export const liveHolds = (state: State, now: number): Hold[] =>
  [...state.holds.values()].filter(({ expiresAt }) => expiresAt > now);
