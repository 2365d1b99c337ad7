/** What the domain needs from outside, in its own words. */
import type { Appointment, AppointmentType, Caller, Cancellation } from '@daybook/contracts';
import type { WriteContext } from '@daybook/database';
import type { DoctorFacts, TakenSeats } from './booking-rules.ts';
import type { Interval } from './grid.ts';
import type { Step } from './lifecycle.ts';

/** Who asks, and the trace of the request. */
export interface Asking {
  readonly caller: Caller;
  readonly traceparent?: string | undefined;
}

/** The other services. Each call throws `part-unavailable` when its service does not answer. */
export interface Directory {
  patient(id: string, asking: Asking): Promise<{ active: boolean } | undefined>;
  doctor(id: string, range: Interval, asking: Asking): Promise<DoctorFacts | undefined>;
  /** The ids of the active doctors of a specialty: of the first MAX_SEARCHED_DOCTORS. */
  doctorsOf(specialty: string, asking: Asking): Promise<string[]>;
}

/** Where and when an appointment is to be. */
export interface Placement {
  readonly doctorId: string;
  readonly timeZone: string;
  readonly visit: Interval;
  /** The visit with its buffers. */
  readonly doctorTime: Interval;
  readonly capacity: number;
}

export interface NewBooking {
  readonly patientId: string;
  readonly appointmentTypeId: string;
  readonly reason?: string;
  readonly placement: Placement;
}

/** Seats taken in a range: of a doctor, of a patient. An appointment can be left out, as if it were not there. */
export interface SeatQuery {
  readonly resourceId: string;
  readonly range: Interval;
  readonly except?: string | undefined;
}

/** The appointment types, as far as booking needs them. */
export interface AppointmentTypes {
  find(caller: Caller, id: string): Promise<AppointmentType | undefined>;
}

export interface AppointmentStore {
  find(caller: Caller, id: string): Promise<Appointment | undefined>;
  takenSeats(caller: Caller, query: SeatQuery): Promise<TakenSeats>;
  /** @throws Refusal `slot-taken`, `patient-busy`: the key refused */
  book(caller: Caller, booking: NewBooking, write: WriteContext<Appointment>): Promise<Appointment>;
  /** `check` runs on the stored appointment inside the transaction and throws what refuses the move. */
  move(
    caller: Caller,
    id: string,
    placement: Placement,
    check: (appointment: Appointment) => void,
    write: WriteContext<Appointment>,
  ): Promise<Appointment>;
  cancel(
    caller: Caller,
    id: string,
    cancellation: Cancellation,
    write: WriteContext<Appointment>,
  ): Promise<Appointment>;
  take(caller: Caller, id: string, step: Step, write: WriteContext<Appointment>): Promise<Appointment>;
}

/** All that the domain works with. */
export interface BookingParts {
  readonly directory: Directory;
  readonly store: AppointmentStore;
  readonly types: AppointmentTypes;
  readonly clock: () => Temporal.Instant;
}
