/** Books the first free doctor of a specialty, also under many simultaneous requests. */

import { createCoalescer } from '@daybook/async';
import {
  type Appointment,
  type AppointmentType,
  type FirstFreeBooking,
  permit,
  Refusal,
  type Role,
  type VerifiedCaller,
} from '@daybook/contracts';
import {
  type BookingDependencies,
  type Placement,
  type RequestContext,
  requestContextOf,
  type WriteContext,
} from '../ports.ts';
import { type Interval, lastOnGrid, nextOnGrid } from '../slots/grid.ts';
import { rangeOf, readFacts, windowsOf } from '../slots/search.ts';
import { permitParticipants } from './permissions.ts';
import { assertCallerWaiting, findType } from './reserve-slot.ts';
import {
  doctorTimeAt,
  NOTHING_TAKEN,
  type PatientFacts,
  refusalFor,
  type TakenSeats,
  visitAt,
  zoneOf,
} from './rules.ts';
import { type Allocation, createSlotAllocator, PendingAllocations, type SlotAllocator } from './slot-allocator.ts';
import { type AnnouncedVersions, retryOnStaleFacts, StaleFacts, versionOf } from './stale-facts.ts';

/** No doctor: the start can be in the calendar of another one. */
const BOOKERS: readonly Role[] = ['patient', 'front-desk', 'administrator'];

/** Starts that one request tries at most, because other processes may take each of them first. */
const MAX_ALLOCATIONS = 20;

export type BookFirstFree = (
  caller: VerifiedCaller,
  input: FirstFreeBooking,
  write: WriteContext<Appointment>,
) => Promise<Appointment>;

/** The facts that one request loads for all its allocations. */
interface LoadedRequest {
  readonly input: FirstFreeBooking;
  readonly type: AppointmentType;
  readonly patient: PatientFacts;
  readonly takenOfPatient: TakenSeats;
  readonly announcedVersions: AnnouncedVersions;
}

function placementAt(
  { facts, start }: Allocation,
  { input, patient, type, announcedVersions }: LoadedRequest,
): Placement {
  const { doctor } = facts;
  const visit = visitAt(start, type);
  return {
    doctorId: doctor.id,
    timeZone: zoneOf(visit, doctor),
    visit,
    doctorTime: doctorTimeAt(start, type),
    type,
    verified: [versionOf(doctor.id, doctor, announcedVersions), versionOf(input.patientId, patient, announcedVersions)],
  };
}

/** Rounds a range to the grid, so that requests of the same few minutes share one search. */
const onGrid = ({ start, end }: Interval, now: number): Interval => {
  const from = nextOnGrid(Math.max(start, now));
  return { start: from, end: Math.max(from, lastOnGrid(end - 1) + 1) };
};

/**
 * Yields the parts of a range and then, after several parts, the whole range.
 * The parts are read in sequence, so a visit that moves meanwhile can count at both of its times.
 * The last read counts each visit once.
 */
function* rangesToRead(input: FirstFreeBooking, range: Interval): Generator<Interval> {
  const windows = [...windowsOf(input, range)];
  yield* windows;
  if (windows.length > 1) yield range;
}

/** Returns the seats that a patient has in a range. */
async function takenSeatsOf(
  { seats }: BookingDependencies,
  patientId: string,
  type: AppointmentType,
  range: Interval,
  { caller }: RequestContext,
): Promise<TakenSeats> {
  const taken = await seats.taken(caller, {
    resourceIds: [patientId],
    range: { start: range.start, end: visitAt(range.end, type).end },
  });
  return taken.get(patientId) ?? NOTHING_TAKEN;
}

/**
 * Checks, after doctors were read, that the patient still has all the seats that were read before.
 * A visit that moved in between would count twice: at the patient's old time and at the doctor's new time.
 * The database rejects what the patient got in between as `patient-busy`.
 * @throws StaleFacts
 */
async function checkPatientUnchanged(
  dependencies: BookingDependencies,
  { input, type, patient, takenOfPatient, announcedVersions }: LoadedRequest,
  range: Interval,
  context: RequestContext,
): Promise<void> {
  if (takenOfPatient.size === 0) return;
  const taken = await takenSeatsOf(dependencies, input.patientId, type, range, context);
  if (takenOfPatient.keys().every((cell) => taken.has(cell))) return;
  throw new StaleFacts(versionOf(input.patientId, patient, announcedVersions));
}

async function loadRequest(
  dependencies: BookingDependencies,
  input: FirstFreeBooking,
  range: Interval,
  context: RequestContext,
  announcedVersions: AnnouncedVersions,
): Promise<LoadedRequest> {
  const { participants, types } = dependencies;
  const type = await findType(types, context.caller, input.appointmentTypeId);
  const [patient, takenOfPatient] = await Promise.all([
    participants.findPatient(input.patientId, context),
    takenSeatsOf(dependencies, input.patientId, type, range, context),
  ]);
  if (!patient) throw refusalFor('patient-not-found');
  if (!patient.active) throw refusalFor('patient-inactive');
  if (!type.active) throw refusalFor('appointment-type-inactive');
  return { input, type, patient, takenOfPatient, announcedVersions };
}

/**
 * Returns the appointment, or the code of the refusal when another request was first.
 * @throws StaleFacts
 */
async function tryAllocation(
  { store }: BookingDependencies,
  allocation: Allocation,
  request: LoadedRequest,
  caller: VerifiedCaller,
  write: WriteContext<Appointment>,
): Promise<Appointment | 'slot-taken' | 'patient-busy'> {
  const { patientId, reason } = request.input;
  try {
    const placement = placementAt(allocation, request);
    const booked = await store.book(caller, { patientId, reason, placement }, write);
    allocation.confirm();
    return booked;
  } catch (error) {
    if (error instanceof Refusal && error.code === 'slot-taken') {
      allocation.confirm();
      return error.code;
    }
    allocation.release();
    if (error instanceof Refusal && error.code === 'patient-busy') return error.code;
    throw error;
  }
}

/**
 * Returns a function that books the first free start. Each process needs exactly one.
 * Simultaneous requests receive different starts.
 * The function throws Refusal `nothing-free`, and as booking does for patient and type.
 */
export function createFirstFree(dependencies: BookingDependencies): BookFirstFree {
  const coalesce = createCoalescer<SlotAllocator>();
  const pending = new PendingAllocations();

  function allocatorFor(
    { input: { specialty }, type }: LoadedRequest,
    window: Interval,
    context: RequestContext,
  ): Promise<SlotAllocator> {
    const key = [specialty, type.id, type.version, window.start, window.end].join(' ');
    return coalesce(key, async () =>
      createSlotAllocator(await readFacts(dependencies, { specialty }, type, window, context), window.end, pending),
    );
  }

  async function bookOnce(
    caller: VerifiedCaller,
    input: FirstFreeBooking,
    write: WriteContext<Appointment>,
    announcedVersions: AnnouncedVersions,
  ): Promise<Appointment> {
    const context = requestContextOf(caller, write);
    const range = onGrid(rangeOf(input), dependencies.clock().epochMilliseconds);
    const load = () => loadRequest(dependencies, input, range, context, announcedVersions);
    let request = await load();
    let allocations = 0;
    for (const window of rangesToRead(input, range)) {
      while (allocations < MAX_ALLOCATIONS) {
        const allocator = await allocatorFor(request, window, context);
        await checkPatientUnchanged(dependencies, request, range, context);
        // Runs before an allocation, because each allocation has to be tried.
        assertCallerWaiting(context);
        const allocation = allocator.allocate(request.takenOfPatient);
        if (!allocation) break;
        allocations += 1;
        const outcome = await tryAllocation(dependencies, allocation, request, caller, write);
        if (typeof outcome === 'object') return outcome;
        if (outcome === 'patient-busy') request = await load();
      }
    }
    if (allocations === MAX_ALLOCATIONS) {
      throw new Refusal(
        'service-unavailable',
        'There are too many simultaneous requests for the same times. Retry in a moment.',
        { retryAfterSeconds: 1 },
      );
    }
    throw refusalFor('nothing-free');
  }

  return (caller, input, write) => {
    permit(caller, BOOKERS);
    permitParticipants(caller, input);
    return retryOnStaleFacts((announcedVersions) => bookOnce(caller, input, write, announcedVersions));
  };
}
