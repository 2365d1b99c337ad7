/** Booking whichever doctor of a specialty is free first, also when many ask for that at once. */
import {
  type Appointment,
  type AppointmentType,
  type Caller,
  type FirstFreeBooking,
  type ProblemCode,
  permit,
  Refusal,
  STAFF,
} from '@daybook/contracts';
import type { WriteContext } from '@daybook/database';
import {
  detailOf,
  doctorTimeAt,
  NOTHING_TAKEN,
  type PatientFacts,
  type TakenSeats,
  visitAt,
  zoneOf,
} from './booking-rules.ts';
import { createFlights } from './flights.ts';
import { type Interval, lastOnGrid, nextOnGrid } from './grid.ts';
import { checkAwaited, findType, type ToldMeanwhile, versionOf, withFreshFacts } from './placing.ts';
import { type Asking, askingOf, type BookingParts, type Placement, StaleFacts } from './ports.ts';
import { type Claim, createRoster, type Roster, UnderWay } from './roster.ts';
import { rangeOf, readFacts, windowsOf } from './slot-search.ts';

/** Starts that one request tries at most: others may take each of them first, from another process. */
const MAX_CLAIMS = 20;

export type BookFirstFree = (
  caller: Caller,
  input: FirstFreeBooking,
  write: WriteContext<Appointment>,
) => Promise<Appointment>;

/** What is asked, once for all claims of a request. */
interface Request {
  readonly input: FirstFreeBooking;
  readonly type: AppointmentType;
  readonly patient: PatientFacts;
  readonly takenOfPatient: TakenSeats;
  readonly told: ToldMeanwhile;
}

const refusal = (code: ProblemCode): Refusal => new Refusal(code, detailOf(code));

function placementAt({ facts, start }: Claim, { input, patient, type, told }: Request): Placement {
  const { doctor } = facts;
  const visit = visitAt(start, type);
  return {
    doctorId: doctor.id,
    timeZone: zoneOf(visit, doctor),
    visit,
    doctorTime: doctorTimeAt(start, type),
    type,
    verified: [versionOf(doctor.id, doctor, told), versionOf(input.patientId, patient, told)],
  };
}

/** Starts lie on the grid, so requests of the same few minutes ask for the same range, and share what is found. */
const onGrid = ({ start, end }: Interval, now: number): Interval => {
  const from = nextOnGrid(Math.max(start, now));
  return { start: from, end: Math.max(from, lastOnGrid(end - 1) + 1) };
};

/**
 * Returns the parts of a range, and after several of them all of it: the parts are read one after the other, so a visit that is
 * moved meanwhile can count at both of its times. The last look counts each visit once.
 */
function* looksAt(input: FirstFreeBooking, range: Interval): Generator<Interval> {
  const windows = [...windowsOf(input, range)];
  yield* windows;
  if (windows.length > 1) yield range;
}

/**
 * Each process needs one of these: those who ask it at the same time are given different starts. What it gives throws
 * Refusal `nothing-free`, and as booking does for patient and type.
 */
export function createFirstFree(parts: BookingParts): BookFirstFree {
  const flights = createFlights<Roster>();
  const underWay = new UnderWay();

  function rosterOf({ input: { specialty }, type }: Request, window: Interval, asking: Asking): Promise<Roster> {
    const key = [specialty, type.id, type.version, window.start, window.end].join(' ');
    return flights(key, async () =>
      createRoster(await readFacts(parts, { specialty }, type, window, asking), window.end, underWay),
    );
  }

  async function takenOf(patientId: string, type: AppointmentType, range: Interval, { caller }: Asking) {
    const taken = await parts.store.takenSeats(caller, {
      resourceIds: [patientId],
      range: { start: range.start, end: visitAt(range.end, type).end },
    });
    return taken.get(patientId) ?? NOTHING_TAKEN;
  }

  /**
   * Checks, after doctors were read, that the patient still has all that was read before them: a visit that was moved in
   * between would count at both of its times, the old one of the patient and the new one of the doctor. What the patient got
   * in between, the database refuses as `patient-busy`.
   * @throws StaleFacts
   */
  async function checkPatient(
    { input, type, patient, takenOfPatient, told }: Request,
    range: Interval,
    asking: Asking,
  ) {
    if (takenOfPatient.size === 0) return;
    const taken = await takenOf(input.patientId, type, range, asking);
    if (takenOfPatient.keys().every((cell) => taken.has(cell))) return;
    throw new StaleFacts(versionOf(input.patientId, patient, told));
  }

  async function ask(input: FirstFreeBooking, range: Interval, asking: Asking, told: ToldMeanwhile): Promise<Request> {
    const { directory, types } = parts;
    const type = await findType(types, asking.caller, input.appointmentTypeId);
    const [patient, takenOfPatient] = await Promise.all([
      directory.patient(input.patientId, asking),
      takenOf(input.patientId, type, range, asking),
    ]);
    if (!patient) throw refusal('patient-not-found');
    if (!patient.active) throw refusal('patient-inactive');
    if (!type.active) throw refusal('appointment-type-inactive');
    return { input, type, patient, takenOfPatient, told };
  }

  /** The code of the refusal when somebody else was first, or the patient got another appointment. @throws StaleFacts */
  async function tryClaim(
    claim: Claim,
    request: Request,
    caller: Caller,
    write: WriteContext<Appointment>,
  ): Promise<Appointment | 'slot-taken' | 'patient-busy'> {
    const { patientId, reason } = request.input;
    try {
      const placement = placementAt(claim, request);
      const booked = await parts.store.book(caller, { patientId, reason, placement }, write);
      claim.settle();
      return booked;
    } catch (error) {
      if (error instanceof Refusal && error.code === 'slot-taken') {
        claim.settle();
        return error.code;
      }
      claim.giveBack();
      if (error instanceof Refusal && error.code === 'patient-busy') return error.code;
      throw error;
    }
  }

  async function bookOnce(
    caller: Caller,
    input: FirstFreeBooking,
    write: WriteContext<Appointment>,
    told: ToldMeanwhile,
  ): Promise<Appointment> {
    const asking = askingOf(caller, write);
    const range = onGrid(rangeOf(input), parts.clock().epochMilliseconds);
    let request = await ask(input, range, asking, told);
    let claims = 0;
    for (const window of looksAt(input, range)) {
      while (claims < MAX_CLAIMS) {
        const roster = await rosterOf(request, window, asking);
        await checkPatient(request, range, asking);
        // Before anything is claimed: what is claimed has to be tried.
        checkAwaited(asking);
        const claim = roster.claim(request.takenOfPatient);
        if (!claim) break;
        claims += 1;
        const outcome = await tryClaim(claim, request, caller, write);
        if (typeof outcome === 'object') return outcome;
        if (outcome === 'patient-busy') request = await ask(input, range, asking, told);
      }
    }
    if (claims === MAX_CLAIMS) {
      throw new Refusal('part-unavailable', 'Very many ask for the same just now.', { retryAfterSeconds: 1 });
    }
    throw refusal('nothing-free');
  }

  return (caller, input, write) => {
    permit(caller, STAFF);
    return withFreshFacts((told) => bookOnce(caller, input, write, told));
  };
}
