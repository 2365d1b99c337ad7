/** The calls of clients and their outcomes, as ids and times only. */

/** An operation. Its starts are five-minute steps of the contested day, as instants. */
export type Operation =
  | {
      readonly do: 'book';
      readonly patientId: string;
      readonly doctorId: string;
      readonly start: string;
      readonly holdId?: string;
    }
  | { readonly do: 'move'; readonly id: string; readonly doctorId: string; readonly start: string }
  | { readonly do: 'cancel'; readonly id: string }
  | { readonly do: 'hold'; readonly doctorId: string; readonly start: string }
  | { readonly do: 'register' };

/** The fields of an appointment, a hold or a patient in a response. */
export interface ReturnedResource {
  readonly id: string;
  readonly patientId?: string;
  readonly doctorId?: string;
  readonly start?: string;
  readonly end?: string;
  readonly status?: string;
  readonly sequence?: number;
  readonly version?: number;
}

/** `done` and `refused` come from a response; `unknown` means that none decided the call. */
export type Outcome =
  | { readonly is: 'done'; readonly status: number; readonly resource: ReturnedResource }
  | { readonly is: 'refused'; readonly status: number; readonly code: string }
  | { readonly is: 'unknown'; readonly reason: string };

export interface Call {
  /** Also the Idempotency-Key, the reason of a booking or a cancellation, and the name of a registered patient. */
  readonly key: string;
  readonly operation: Operation;
  /** Without a key, the client sends the call only once. */
  readonly isKeyed: boolean;
  readonly outcomes: Outcome[];
}

/** Returns the decisive outcomes. Only unknown ones precede the first, and later ones must repeat it. */
export const responsesOf = ({ outcomes }: Call) => outcomes.filter((outcome) => outcome.is !== 'unknown');

/** Returns whether the call may have taken effect, because no response refused it. */
export const mayHaveHappened = (call: Call): boolean => responsesOf(call)[0]?.is !== 'refused';
