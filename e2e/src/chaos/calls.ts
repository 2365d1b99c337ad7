/** What clients ask, and what is written down of it: ids and times, nothing else. */

/** The n-th five minutes of the day that is fought for stand here as an instant. */
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

/** What an answer says of an appointment, a hold or a patient. */
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

/** `done` and `refused` are answers; of `unknown` nobody knows what became of it. */
export type Outcome =
  | { readonly is: 'done'; readonly status: number; readonly resource: ReturnedResource }
  | { readonly is: 'refused'; readonly status: number; readonly code: string }
  | { readonly is: 'unknown'; readonly reason: string };

export interface Call {
  /** Also the Idempotency-Key, the reason of a booking or a cancellation, and the name of who is registered. */
  readonly key: string;
  readonly operation: Operation;
  /** Without, it is sent once and never again by the client. */
  readonly isKeyed: boolean;
  readonly outcomes: Outcome[];
}

/** The last one counts: before it there are only unknown ones. Those after it repeat it, or should. */
export const responsesOf = ({ outcomes }: Call) => outcomes.filter((outcome) => outcome.is !== 'unknown');

/** Nobody was told that it is refused: it may have happened. */
export const mayHaveHappened = (call: Call): boolean => responsesOf(call)[0]?.is !== 'refused';
