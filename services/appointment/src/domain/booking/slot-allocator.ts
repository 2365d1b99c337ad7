/**
 * Allocates the free starts of several doctors in time order, so that simultaneous requests receive different starts.
 * This only spreads the requests, because the database decides whether a start is free.
 *
 * An allocator is as old as the facts that it was created from.
 * These facts lack the allocations of earlier allocators that the database has not decided about yet.
 * All allocators share these in PendingAllocations.
 */

import { type Cells, cellsOf } from '../slots/grid.ts';
import { freeStarts } from '../slots/slots.ts';
import { type BookingFacts, doctorTimeAt, isFull, NOTHING_TAKEN, type TakenSeats, visitAt } from './rules.ts';

export interface Allocation {
  readonly facts: BookingFacts;
  readonly start: number;
  /** Confirms that the database has decided and the start is taken, by this request or another. */
  confirm(): void;
  /** Releases a start that was not used. */
  release(): void;
}

/** Seats by cell of a doctor. */
class Seats {
  readonly #seats: Map<number, number>;

  constructor(taken: TakenSeats) {
    this.#seats = new Map(taken);
  }

  get taken(): TakenSeats {
    return this.#seats;
  }

  get isEmpty(): boolean {
    return this.#seats.size === 0;
  }

  count({ first, end }: Cells, seats: 1 | -1): void {
    for (let cell = first; cell < end; cell += 1) this.#add(cell, seats);
  }

  addAll(taken: TakenSeats): void {
    for (const [cell, seats] of taken) this.#add(cell, seats);
  }

  #add(cell: number, seats: number): void {
    const counted = (this.#seats.get(cell) ?? 0) + seats;
    if (counted === 0) this.#seats.delete(cell);
    else this.#seats.set(cell, counted);
  }
}

/** The seats that are allocated and not decided about, by doctor. Only requests in progress have entries. */
export class PendingAllocations {
  readonly #seats = new Map<string, Seats>();

  ofDoctor(id: string): TakenSeats {
    return this.#seats.get(id)?.taken ?? NOTHING_TAKEN;
  }

  /** Adds seats. Returns a function that removes them, once. */
  add(doctorId: string, cells: Cells): () => void {
    const seats = this.#seats.get(doctorId) ?? new Seats(NOTHING_TAKEN);
    this.#seats.set(doctorId, seats);
    seats.count(cells, 1);
    let isIn = true;
    return () => {
      if (!isIn) return;
      isIn = false;
      seats.count(cells, -1);
      if (seats.isEmpty) this.#seats.delete(doctorId);
    };
  }
}

export interface SlotAllocator {
  /** Allocates the first start that is free for this patient and not allocated to another request; undefined: none. */
  allocate(takenOfPatient: TakenSeats): Allocation | undefined;
}

class DoctorCalendar {
  readonly #seats: Seats;
  readonly #pending: PendingAllocations;
  readonly facts: BookingFacts;
  readonly #until: number;
  /** The first free start; earlier ones are taken. Unknown after an allocation, undefined when none is free. */
  #first: number | undefined;
  #from = Number.NEGATIVE_INFINITY;
  #known = false;

  constructor(facts: BookingFacts, until: number, pending: PendingAllocations) {
    this.#seats = new Seats(facts.takenOfDoctor);
    this.#seats.addAll(pending.ofDoctor(facts.doctor.id));
    this.#pending = pending;
    this.facts = { ...facts, takenOfDoctor: this.#seats.taken };
    this.#until = until;
  }

  /** Returns the first free start before `limit` that suits the patient. */
  firstFor(takenOfPatient: TakenSeats, limit: number): number | undefined {
    const first = this.#firstFree();
    if (first === undefined || first >= limit) return undefined;
    for (const start of freeStarts(this.facts, first)) {
      if (start >= Math.min(limit, this.#until)) return undefined;
      if (!isFull(cellsOf(visitAt(start, this.facts.type)), takenOfPatient, 1)) return start;
    }
    return undefined;
  }

  allocate(start: number): Allocation {
    const cells = cellsOf(doctorTimeAt(start, this.facts.type));
    this.#seats.count(cells, 1);
    this.#known = false;
    const confirm = this.#pending.add(this.facts.doctor.id, cells);
    return {
      facts: this.facts,
      start,
      confirm,
      release: () => {
        confirm();
        this.#seats.count(cells, -1);
        this.#from = Math.min(this.#from, start);
        this.#known = false;
      },
    };
  }

  #firstFree(): number | undefined {
    if (!this.#known) {
      const { value } = freeStarts(this.facts, this.#from).next();
      this.#first = value !== undefined && value < this.#until ? value : undefined;
      this.#from = this.#first ?? this.#until;
      this.#known = true;
    }
    return this.#first;
  }
}

/** Creates an allocator of the starts before `until`. */
export function createSlotAllocator(
  doctors: readonly BookingFacts[],
  until: number,
  pending: PendingAllocations,
): SlotAllocator {
  const calendars = doctors.map((facts) => new DoctorCalendar(facts, until, pending));
  return {
    allocate(takenOfPatient) {
      let best: { calendar: DoctorCalendar; start: number } | undefined;
      for (const calendar of calendars) {
        const start = calendar.firstFor(takenOfPatient, best?.start ?? until);
        if (start !== undefined) best = { calendar, start };
      }
      return best?.calendar.allocate(best.start);
    },
  };
}
