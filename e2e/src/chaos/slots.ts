/** Checks that the offered slots are exactly the free times of the database, and that booking accepts them. */
import { expectData } from '@daybook/client';
import { clientOf, type Entrance } from './attempt.ts';
import type { Call } from './calls.ts';
import { type Clients, type Clinic, startAt, WINDOW_MINUTES } from './clients.ts';
import type { ReservationRow } from './final-state.ts';

const CELL_MILLIS = 5 * 60 * 1000;
const VISIT_CELLS = 6;
/** Less than the most slots of one search. */
const STARTS_A_SEARCH = 72;
const SAMPLE_SIZE = 3;
/** A hold that expires during the check exists for one side only. */
const EXPIRY_MARGIN_MILLIS = 60_000;

/** Returns a doctor's taken cells, and those that may be free or taken at this moment. */
function cellsOf(reservations: readonly ReservationRow[], doctorId: string, now: number) {
  const taken = new Set<number>();
  const unsure = new Set<number>();
  for (const { resourceId, cell, expiresAt } of reservations) {
    if (resourceId !== doctorId) continue;
    if (expiresAt === null || expiresAt > now + EXPIRY_MARGIN_MILLIS) taken.add(cell);
    else if (expiresAt > now - EXPIRY_MARGIN_MILLIS) unsure.add(cell);
  }
  return { taken, unsure };
}

interface Comparison {
  readonly violations: string[];
  readonly free: { readonly doctorId: string; readonly start: string }[];
  readonly full: { readonly doctorId: string; readonly start: string }[];
}

async function offered(system: Entrance, clinic: Clinic, doctorId: string): Promise<ReadonlySet<number>> {
  const client = clientOf(system);
  const starts = new Set<number>();
  const all = WINDOW_MINUTES / 5;
  for (let first = 0; first < all; first += STARTS_A_SEARCH) {
    const [from, to] = [startAt(clinic, first), startAt(clinic, Math.min(first + STARTS_A_SEARCH, all))];
    const query = { doctorId, appointmentTypeId: clinic.typeId, from, to, limit: 100 };
    const { items } = expectData(await client.GET('/api/v1/slots', { params: { query } }));
    for (const { start } of items) starts.add(Temporal.Instant.from(start).epochMilliseconds / CELL_MILLIS);
  }
  return starts;
}

async function compare(
  system: Entrance,
  clinic: Clinic,
  doctorId: string,
  reservations: readonly ReservationRow[],
): Promise<Comparison> {
  const shown = await offered(system, clinic, doctorId);
  const { taken, unsure } = cellsOf(reservations, doctorId, Date.now());
  const comparison: Comparison = { violations: [], free: [], full: [] };
  for (let n = 0; n < WINDOW_MINUTES / 5; n += 1) {
    const start = startAt(clinic, n);
    const first = Temporal.Instant.from(start).epochMilliseconds / CELL_MILLIS;
    const cells = Array.from({ length: VISIT_CELLS }, (_, index) => first + index);
    if (cells.some((cell) => unsure.has(cell))) continue;
    const isFree = !cells.some((cell) => taken.has(cell));
    (isFree ? comparison.free : comparison.full).push({ doctorId, start });
    if (isFree === shown.has(first)) continue;
    comparison.violations.push(
      `${doctorId} at ${start} is ${isFree ? 'free' : 'taken'}, and is ${shown.has(first) ? '' : 'not '}offered`,
    );
  }
  return comparison;
}

const isDone = ({ outcomes }: Call): boolean => outcomes.at(-1)?.is === 'done';

async function tryBooking(clients: Clients, patientId: string, time: { doctorId: string; start: string }) {
  const call = await clients.call({ do: 'book', patientId, ...time });
  const [outcome] = call.outcomes.slice(-1);
  if (outcome?.is === 'done') await clients.call({ do: 'cancel', id: outcome.resource.id });
  return { done: isDone(call), outcome };
}

export interface SlotCheckOptions {
  readonly system: Entrance;
  readonly clinic: Clinic;
  readonly clients: Clients;
  /** A patient without other visits. */
  readonly patientId: string;
  readonly reservations: readonly ReservationRow[];
  readonly random: () => number;
}

/** Returns the violations. Requires that no other client writes meanwhile. */
export async function findSlotViolations({
  system,
  clinic,
  clients,
  patientId,
  reservations,
  random,
}: SlotCheckOptions) {
  const violations: string[] = [];
  for (const doctorId of clinic.doctorIds) {
    const { violations: ofDoctor, free, full } = await compare(system, clinic, doctorId, reservations);
    violations.push(...ofDoctor);
    for (const [times, wanted] of [
      [free, true],
      [full, false],
    ] as const) {
      for (let tried = 0; tried < Math.min(SAMPLE_SIZE, times.length); tried += 1) {
        const time = times[Math.floor(random() * times.length)];
        if (!time) continue;
        const { done, outcome } = await tryBooking(clients, patientId, time);
        if (done === wanted) continue;
        violations.push(
          `${time.doctorId} at ${time.start} was ${wanted ? '' : 'not '}offered: ${JSON.stringify(outcome)}`,
        );
      }
    }
  }
  return violations;
}
