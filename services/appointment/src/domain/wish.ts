/** A wish for a visit: what a booking, a move or a question is about, and who is taken around it. */
import { NOTHING_TAKEN, type TakenSeats, type TypeRules } from './booking-rules.ts';
import type { Interval } from './grid.ts';
import type { AppointmentStore, Asking } from './ports.ts';

export interface Wish {
  /** Left out when it does not matter who comes. */
  readonly patientId?: string | undefined;
  readonly doctorId: string;
  readonly type: TypeRules;
  readonly start: number;
  /** The appointment that is to be moved; its own time counts as free. */
  readonly moving?: string;
}

/** What doctor and patient have in a range already. */
export async function readTaken(
  store: AppointmentStore,
  { doctorId, patientId, moving }: Wish,
  range: Interval,
  { caller }: Asking,
): Promise<{ takenOfDoctor: TakenSeats; takenOfPatient: TakenSeats }> {
  const [takenOfDoctor, takenOfPatient] = await Promise.all([
    store.takenSeats(caller, { resourceId: doctorId, range, except: moving }),
    patientId === undefined
      ? NOTHING_TAKEN
      : store.takenSeats(caller, { resourceId: patientId, range, except: moving }),
  ]);
  return { takenOfDoctor, takenOfPatient };
}
