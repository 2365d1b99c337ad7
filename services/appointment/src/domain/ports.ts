/** What the domain needs from outside, in its own words. */
import type {
  Appointment,
  AppointmentPatch,
  AppointmentStatus,
  AppointmentType,
  Caller,
  Cancellation,
  HistoryAction,
  Hold,
  Overbooking,
} from '@daybook/contracts';
import type { WriteContext } from '@daybook/database';
import type { Step } from './booking/lifecycle.ts';
import type { DoctorFacts, PatientFacts, TakenSeats } from './booking/rules.ts';
import type { Interval } from './slots/grid.ts';

/** Who asks, and the trace of the request. */
export interface RequestContext {
  readonly caller: Caller;
  readonly traceparent?: string | undefined;
  /** Whether somebody still waits for the answer. */
  readonly isCallerWaiting?: (() => boolean) | undefined;
}

export const requestContextOf = (
  caller: Caller,
  { traceparent, isCallerWaiting }: WriteContext<never>,
): RequestContext => ({
  caller,
  traceparent,
  isCallerWaiting,
});

/** The other services. Each call throws `service-unavailable` when its service does not answer. */
export interface ParticipantClient {
  findPatient(id: string, context: RequestContext): Promise<PatientFacts | undefined>;
  findDoctor(id: string, range: Interval, context: RequestContext): Promise<DoctorFacts | undefined>;
  /** The active doctors of a specialty: the first MAX_SEARCHED_DOCTORS. */
  findDoctors(specialty: string, range: Interval, context: RequestContext): Promise<DoctorFacts[]>;
}

/** A patient or a doctor as known at a moment. */
export interface ParticipantVersion {
  readonly id: string;
  readonly version: number;
}

/** What the store needs of an appointment type that time is reserved for. */
export type PlacedType = Pick<AppointmentType, 'id' | 'version' | 'capacity'>;

/** Where and when an appointment is to be. */
export interface Placement {
  readonly doctorId: string;
  readonly timeZone: string;
  readonly visit: Interval;
  /** The visit with its buffers. */
  readonly doctorTime: Interval;
  /** As the rules were applied to it. Where it has another version by now, the store throws StaleFacts. */
  readonly type: PlacedType;
  /** What the rules were applied to. Where an event told of something newer, the store throws StaleFacts. */
  readonly verified: readonly [ParticipantVersion, ...ParticipantVersion[]];
  readonly holdId?: string | undefined;
  /** Given when the doctor's time is taken and staff books beside it on purpose. */
  readonly overbooking?: Overbooking | undefined;
  /** True of a walk-in: it takes the running five minutes. */
  readonly walkIn?: boolean | undefined;
}

/**
 * A patient, a doctor or an appointment type, or the time that a patient has, has changed since the rules were applied: they
 * have to be applied again.
 */
export class StaleFacts extends Error {
  /** What an event told of, or the type as stored. Whatever is read from now on is at least of that version. */
  readonly newer: ParticipantVersion;

  constructor(newer: ParticipantVersion) {
    super('What the rules were applied to has changed.');
    this.name = 'StaleFacts';
    this.newer = newer;
  }
}

export interface NewBooking {
  readonly patientId: string;
  readonly reason?: string | undefined;
  readonly placement: Placement;
}

/** What of an appointment no time depends on. */
export type NotesPatch = Pick<AppointmentPatch, 'reason' | 'note'>;

/** Runs on the stored appointment inside the transaction and throws what refuses the change. */
export type CheckStored = (appointment: Appointment) => void;

export interface Move {
  readonly action: 'rescheduled' | 'updated';
  readonly placement: Placement;
  readonly check: CheckStored;
  /** Why it is moved. */
  readonly reason?: string | undefined;
  /** What is changed with it. */
  readonly patch?: NotesPatch;
}

/** A step back that was decided on what was read: the store refuses it where that has changed since. */
export interface StepBackDecision {
  /** Of the appointment, as it was read. */
  readonly version: number;
  readonly to: AppointmentStatus;
  readonly reason: string;
  /**
   * Of a visit that is to come again: its time, and what of it does not hold any more. Whether the patient has another visit
   * then is read by the store, where no booking and no merge can change it.
   */
  readonly restored?: { readonly placement: Placement; readonly reschedulingReasons: readonly string[] } | undefined;
}

/** Seats taken in a range: of doctors, of a patient. What some hold can be left out, as if it were not there. */
export interface SeatQuery {
  readonly resourceIds: readonly string[];
  readonly range: Interval;
  readonly exceptHolders?: readonly string[];
}

/** The appointment types, as far as booking needs them. */
export interface AppointmentTypes {
  find(caller: Caller, id: string): Promise<AppointmentType | undefined>;
}

export interface AppointmentStore {
  find(caller: Caller, id: string): Promise<Appointment | undefined>;
  /** By resource, as its id was given. */
  takenSeats(caller: Caller, query: SeatQuery): Promise<ReadonlyMap<string, TakenSeats>>;
  /**
   * @throws Refusal `slot-taken`, `patient-busy`: the key refused; `hold-expired`
   * @throws StaleFacts
   */
  book(caller: Caller, booking: NewBooking, write: WriteContext<Appointment>): Promise<Appointment>;
  /** To where it is already, and of the type that it has, changes nothing. */
  move(caller: Caller, id: string, move: Move, write: WriteContext<Appointment>): Promise<Appointment>;
  /** Changes what no time depends on. What is as it was already changes nothing. @throws Refusal `wrong-status` */
  change(
    caller: Caller,
    id: string,
    patch: NotesPatch,
    check: CheckStored,
    write: WriteContext<Appointment>,
  ): Promise<Appointment>;
  cancel(
    caller: Caller,
    id: string,
    cancellation: Cancellation,
    write: WriteContext<Appointment>,
  ): Promise<Appointment>;
  takeStep(caller: Caller, id: string, step: Step, write: WriteContext<Appointment>): Promise<Appointment>;
  /** Returns the actions of the history, newest first. */
  actions(caller: Caller, id: string): AsyncIterable<HistoryAction>;
  /**
   * Returns to an earlier status. A cancelled appointment takes its time again; another one that is to come is flagged where
   * the patient has another visit then.
   * @throws Refusal `changed-meanwhile`; `slot-taken`, `patient-busy`: the key refused
   * @throws StaleFacts
   */
  stepBack(caller: Caller, id: string, back: StepBackDecision, write: WriteContext<Appointment>): Promise<Appointment>;
}

export interface HoldStore {
  /** @throws Refusal `slot-taken`, `too-many-holds`, StaleFacts */
  add(caller: Caller, placement: Placement, write: WriteContext<Hold>): Promise<Hold>;
  /** Undefined as well when it is somebody else's, has run out, or was used. */
  find(caller: Caller, id: string): Promise<Hold | undefined>;
  /** @throws Refusal `not-found` */
  remove(caller: Caller, id: string, write: WriteContext<unknown>): Promise<void>;
}

/** All that the domain works with. */
export interface BookingDependencies {
  readonly participants: ParticipantClient;
  readonly store: AppointmentStore;
  readonly holds: HoldStore;
  readonly types: AppointmentTypes;
  readonly clock: () => Temporal.Instant;
}
