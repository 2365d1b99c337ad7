/** The interfaces that the domain needs from its environment. */
import type {
  Appointment,
  AppointmentPatch,
  AppointmentStatus,
  AppointmentType,
  Cancellation,
  HistoryAction,
  HistoryEntry,
  Hold,
  Overbooking,
  VerifiedCaller,
} from '@daybook/contracts';
import type { WriteContext } from '@daybook/database';
import type { Step } from './booking/lifecycle.ts';
import type { DoctorFacts, PatientFacts, TakenSeats } from './booking/rules.ts';
import type { Interval } from './slots/grid.ts';

export type { WriteContext };

/** The caller of a request, and its trace. */
export interface RequestContext {
  readonly caller: VerifiedCaller;
  readonly traceparent?: string | undefined;
  /** Returns whether the caller still waits for the response. */
  readonly isCallerWaiting?: (() => boolean) | undefined;
}

/** Returns the context of a write, or of a read from its trace alone. */
export const requestContextOf = (
  caller: VerifiedCaller,
  { traceparent, isCallerWaiting }: Pick<RequestContext, 'traceparent' | 'isCallerWaiting'>,
): RequestContext => ({ caller, traceparent, isCallerWaiting });

/** Calls the other services. Each call throws `service-unavailable` when its service does not respond. */
export interface ParticipantClient {
  findPatient(id: string, context: RequestContext): Promise<PatientFacts | undefined>;
  findDoctor(id: string, range: Interval, context: RequestContext): Promise<DoctorFacts | undefined>;
  /** Returns the first MAX_SEARCHED_DOCTORS active doctors of a specialty. */
  findDoctors(specialty: string, range: Interval, context: RequestContext): Promise<DoctorFacts[]>;
}

/** The version of a patient or a doctor that the rules were applied to. */
export interface ParticipantVersion {
  readonly id: string;
  readonly version: number;
}

/** The fields of an appointment type that a reservation needs. */
export type PlacedType = Pick<AppointmentType, 'id' | 'version' | 'capacity'>;

/** The doctor and time of an appointment. */
export interface Placement {
  readonly doctorId: string;
  readonly timeZone: string;
  readonly visit: Interval;
  /** The visit with its buffers. */
  readonly doctorTime: Interval;
  /** The version that the rules were applied to. The store throws StaleFacts when the type has another one by now. */
  readonly type: PlacedType;
  /** The versions that the rules were applied to. The store throws StaleFacts when an event announced a newer one. */
  readonly verified: readonly [ParticipantVersion, ...ParticipantVersion[]];
  readonly holdId?: string | undefined;
  /** Given when the doctor's time is taken and staff overbooks it. */
  readonly overbooking?: Overbooking | undefined;
  /** Whether it is a walk-in, which takes the current five minutes. */
  readonly walkIn?: boolean | undefined;
}

export interface NewBooking {
  readonly patientId: string;
  readonly reason?: string | undefined;
  readonly placement: Placement;
}

/** The fields of an appointment that do not affect its time. */
export type NotesPatch = Pick<AppointmentPatch, 'reason' | 'note'>;

/** Checks the stored appointment inside the transaction. Throws the refusal of the change. */
export type CheckStored = (appointment: Appointment) => void;

export interface Move {
  readonly action: 'rescheduled' | 'updated';
  readonly placement: Placement;
  readonly check: CheckStored;
  /** The reason for the move. */
  readonly reason?: string | undefined;
  /** The fields that change with it. */
  readonly patch?: NotesPatch;
}

/** The decision about a step back. The store rejects it when the appointment has changed since it was read. */
export interface StepBackDecision {
  /** The version of the appointment as it was read. */
  readonly version: number;
  readonly to: AppointmentStatus;
  readonly reason: string;
  /**
   * For a visit that returns to the future: its time and its reasons to reschedule.
   * The store itself reads whether the patient has another visit then, where no booking or merge can interfere.
   */
  readonly restored?: { readonly placement: Placement; readonly reschedulingReasons: readonly string[] } | undefined;
}

/** A query for the seats that are taken in a range, by doctors or a patient. Seats of `exceptHolders` do not count. */
export interface SeatQuery {
  readonly resourceIds: readonly string[];
  readonly range: Interval;
  readonly exceptHolders?: readonly string[];
}

/** Reads the seats that appointments and holds take. */
export interface SeatReads {
  /** Returns seats by resource id, as the id was given. */
  taken(caller: VerifiedCaller, query: SeatQuery): Promise<ReadonlyMap<string, TakenSeats>>;
}

/** The appointment types, as far as booking needs them. */
export interface AppointmentTypes {
  /** Returns a type whether it is active or not, for the rules of booking. Callers read types by another call. */
  findAny(caller: VerifiedCaller, id: string): Promise<AppointmentType | undefined>;
}

/** The appointments. To a caller only its own exist: each call throws `not-found` for any other. */
export interface AppointmentStore {
  find(caller: VerifiedCaller, id: string): Promise<Appointment | undefined>;
  /** Returns whether the doctor of the caller has a visit with a patient, or had one in the last 90 days. */
  treats(caller: VerifiedCaller, patientId: string): Promise<boolean>;
  /**
   * Books an appointment.
   * @throws Refusal `slot-taken`, `patient-busy` when the transaction finds the seats taken; `hold-expired`;
   * `too-many-appointments`
   * @throws StaleFacts
   */
  book(caller: VerifiedCaller, booking: NewBooking, write: WriteContext<Appointment>): Promise<Appointment>;
  /** Moves an appointment. A move to the present time, doctor and type changes nothing. */
  move(caller: VerifiedCaller, id: string, move: Move, write: WriteContext<Appointment>): Promise<Appointment>;
  /**
   * Changes fields that do not affect the time. Equal values change nothing.
   * @throws Refusal `wrong-status`
   */
  change(
    caller: VerifiedCaller,
    id: string,
    patch: NotesPatch,
    check: CheckStored,
    write: WriteContext<Appointment>,
  ): Promise<Appointment>;
  cancel(
    caller: VerifiedCaller,
    id: string,
    cancellation: Cancellation,
    write: WriteContext<Appointment>,
  ): Promise<Appointment>;
  takeStep(caller: VerifiedCaller, id: string, step: Step, write: WriteContext<Appointment>): Promise<Appointment>;
  /**
   * Returns to an earlier status.
   * A cancelled appointment reserves its time again.
   * Any other future appointment is flagged when the patient has another visit then.
   * @throws Refusal `changed-meanwhile`; `slot-taken`, `patient-busy` when the transaction finds the seats taken
   * @throws StaleFacts
   */
  stepBack(
    caller: VerifiedCaller,
    id: string,
    back: StepBackDecision,
    write: WriteContext<Appointment>,
  ): Promise<Appointment>;
}

export interface AppointmentHistory {
  /**
   * Returns the entries oldest first. Empty when the appointment does not exist, because each has at least its booking.
   */
  entries(
    caller: VerifiedCaller,
    id: string,
  ): Promise<{ readonly items: HistoryEntry[]; readonly patientIds: readonly string[] }>;
  /** Yields the actions of the entries, newest first. */
  actions(caller: VerifiedCaller, id: string): AsyncIterable<HistoryAction>;
}

export interface HoldStore {
  /**
   * Adds a hold.
   * @throws Refusal `slot-taken`, `too-many-holds`, StaleFacts
   */
  add(caller: VerifiedCaller, placement: Placement, write: WriteContext<Hold>): Promise<Hold>;
  /** Returns undefined also for a hold of another caller and for one that has expired or was used. */
  find(caller: VerifiedCaller, id: string): Promise<Hold | undefined>;
  /**
   * Removes a hold.
   * @throws Refusal `not-found`
   */
  remove(caller: VerifiedCaller, id: string, write: WriteContext<unknown>): Promise<void>;
}

/** The dependencies of the domain. */
export interface BookingDependencies {
  readonly participants: ParticipantClient;
  readonly store: AppointmentStore;
  readonly history: AppointmentHistory;
  readonly seats: SeatReads;
  readonly holds: HoldStore;
  readonly types: AppointmentTypes;
  readonly clock: () => Temporal.Instant;
}
