/**
 * The free starts of several doctors, given out one by one in time order, so that many who ask for the first free one at the
 * same time are not all sent to the same. It only spreads them: whether a start is free the database decides.
 */
import { type BookingFacts, doctorTimeAt, isFull, type TakenSeats, visitAt } from './booking-rules.ts';
import { cellsOf } from './grid.ts';
import { freeStarts } from './slots.ts';

export interface Claim {
  readonly facts: BookingFacts;
  readonly start: number;
  /** For a start that was not used after all. */
  giveBack(): void;
}

export interface Roster {
  /** The first start that nobody else was given and at which this patient has nothing else; undefined: there is none. */
  claim(takenOfPatient: TakenSeats): Claim | undefined;
}

class Desk {
  readonly #seats: Map<number, number>;
  readonly facts: BookingFacts;
  readonly #until: number;
  /** The first free start; earlier ones are taken. Unknown after a claim, undefined when there is none. */
  #first: number | undefined;
  #from = Number.NEGATIVE_INFINITY;
  #known = false;

  constructor(facts: BookingFacts, until: number) {
    this.#seats = new Map(facts.takenOfDoctor);
    this.facts = { ...facts, takenOfDoctor: this.#seats };
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

  claim(start: number): Claim {
    this.#count(start, 1);
    this.#known = false;
    return {
      facts: this.facts,
      start,
      giveBack: () => {
        this.#count(start, -1);
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

  #count(start: number, seats: 1 | -1): void {
    const cells = cellsOf(doctorTimeAt(start, this.facts.type));
    for (let cell = cells.first; cell < cells.end; cell += 1) {
      this.#seats.set(cell, (this.#seats.get(cell) ?? 0) + seats);
    }
  }
}

/** Of starts before `until`. */
export function createRoster(doctors: readonly BookingFacts[], until: number): Roster {
  const desks = doctors.map((facts) => new Desk(facts, until));
  return {
    claim(takenOfPatient) {
      let best: { desk: Desk; start: number } | undefined;
      for (const desk of desks) {
        const start = desk.firstFor(takenOfPatient, best?.start ?? until);
        if (start !== undefined) best = { desk, start };
      }
      return best?.desk.claim(best.start);
    },
  };
}
