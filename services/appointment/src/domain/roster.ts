/**
 * The free starts of several doctors, given out one by one in time order, so that many who ask for the first free one at the
 * same time are not all sent to the same. It only spreads them: whether a start is free the database decides.
 *
 * A roster is as old as the facts it is made of. What rosters before it gave out, and the database has not decided about yet,
 * is not in these facts: that is what all of them have UnderWay for.
 */
import { type BookingFacts, doctorTimeAt, isFull, NOTHING_TAKEN, type TakenSeats, visitAt } from './booking-rules.ts';
import { type Cells, cellsOf } from './grid.ts';
import { freeStarts } from './slots.ts';

export interface Claim {
  readonly facts: BookingFacts;
  readonly start: number;
  /** The database has decided: this start is taken, by whoever. */
  settle(): void;
  /** For a start that was not used after all. */
  giveBack(): void;
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
export class UnderWay {
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

export interface Roster {
  /** The first start that nobody else was given and at which this patient has nothing else; undefined: there is none. */
  claim(takenOfPatient: TakenSeats): Claim | undefined;
}

class Desk {
  readonly #seats: Seats;
  readonly #underWay: UnderWay;
  readonly facts: BookingFacts;
  readonly #until: number;
  /** The first free start; earlier ones are taken. Unknown after a claim, undefined when there is none. */
  #first: number | undefined;
  #from = Number.NEGATIVE_INFINITY;
  #known = false;

  constructor(facts: BookingFacts, until: number, underWay: UnderWay) {
    this.#seats = new Seats(facts.takenOfDoctor);
    this.#seats.addAll(underWay.ofDoctor(facts.doctor.id));
    this.#underWay = underWay;
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

  claim(start: number): Claim {
    const cells = cellsOf(doctorTimeAt(start, this.facts.type));
    this.#seats.count(cells, 1);
    this.#known = false;
    const settle = this.#underWay.add(this.facts.doctor.id, cells);
    return {
      facts: this.facts,
      start,
      settle,
      giveBack: () => {
        settle();
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
export function createRoster(doctors: readonly BookingFacts[], until: number, underWay: UnderWay): Roster {
  const desks = doctors.map((facts) => new Desk(facts, until, underWay));
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
