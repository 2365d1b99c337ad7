/**
 * The free starts of several doctors, given out one by one in time order, so that many who ask for the first free one at the
 * same time are not all sent to the same. It only spreads them: whether a start is free the database decides.
 *
 * An allocator is as old as the facts it is made of. What allocators before it gave out, and the database has not decided about yet,
 * is not in these facts: that is what all of them have PendingAllocations for.
 */

import { type Cells, cellsOf } from '../slots/grid.ts';
import { freeStarts } from '../slots/slots.ts';
import { type BookingFacts, doctorTimeAt, isFull, NOTHING_TAKEN, type TakenSeats, visitAt } from './rules.ts';

export interface Allocation {
  readonly facts: BookingFacts;
  readonly start: number;
  /** The database has decided: this start is taken, by whoever. */
  confirm(): void;
  /** For a start that was not used after all. */
  release(): void;
}

/** A number of seats for each cell of a doctor. */
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

/** The seats that were given out and are not decided about, by doctor. It holds what requests of now hold, and no more. */
export class PendingAllocations {
  readonly #seats = new Map<string, Seats>();

  ofDoctor(id: string): TakenSeats {
    return this.#seats.get(id)?.taken ?? NOTHING_TAKEN;
  }

  /** What it returns takes the seats out again, once. */
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
  /** The first start that nobody else was given and at which this patient has nothing else; undefined: there is none. */
  allocate(takenOfPatient: TakenSeats): Allocation | undefined;
}

class DoctorCalendar {
  readonly #seats: Seats;
  readonly #pending: PendingAllocations;
  readonly facts: BookingFacts;
  readonly #until: number;
  /** The first free start; earlier ones are taken. Unknown after an allocation, undefined when there is none. */
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

  /** The first free start that suits the patient and is before `limit`. */
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

/** Of starts before `until`. */
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
