import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { iso, UNKNOWN_ID } from '../../testing.ts';
import { CELL_MILLIS, cellsOf } from '../slots/grid.ts';
import { firstSlots, freeStarts } from '../slots/slots.ts';
import { type BookingFacts, NOTHING_TAKEN, visitAt } from './rules.ts';
import { type Allocation, createSlotAllocator, PendingAllocations } from './slot-allocator.ts';

const NOW = 1_793_606_400_000;
const DAY = 86_400_000;
const cellAt = (cells: number) => NOW + cells * CELL_MILLIS;

const taken = fc
  .array(fc.tuple(fc.nat(60), fc.integer({ min: 1, max: 3 })), { maxLength: 10 })
  .map((entries) => new Map(entries.map(([cell, seats]) => [NOW / CELL_MILLIS + cell, seats])));
const open = fc
  .array(fc.tuple(fc.nat(40), fc.integer({ min: 1, max: 20 })), { maxLength: 3 })
  .map((hours) => hours.map(([from, length]) => ({ start: cellAt(from), end: cellAt(from + length) })));
const clinic = fc.record({
  durationMinutes: fc.integer({ min: 1, max: 6 }).map((cells) => cells * 5),
  bufferAfterMinutes: fc.constantFrom(0, 5),
  capacity: fc.integer({ min: 1, max: 3 }),
  doctors: fc.array(fc.record({ takenOfDoctor: taken, open }), { minLength: 1, maxLength: 3 }),
  takenOfPatient: taken,
});

const factsOf = ({
  doctors,
  durationMinutes,
  bufferAfterMinutes,
  capacity,
}: typeof clinic extends fc.Arbitrary<infer Value> ? Value : never): BookingFacts[] =>
  doctors.map(({ takenOfDoctor, open: hours }, index) => ({
    now: NOW,
    type: {
      id: UNKNOWN_ID,
      durationMinutes,
      bufferBeforeMinutes: 0,
      bufferAfterMinutes,
      minimumNoticeMinutes: 0,
      planningHorizonDays: 30,
      capacity,
      active: true,
    },
    doctor: {
      id: UNKNOWN_ID.replace(/.$/, String(index)),
      version: 1,
      timeZone: 'UTC',
      active: true,
      offers: undefined,
      open: hours.toSorted((a, b) => a.start - b.start).filter((one, at, all) => one.start > (all[at - 1]?.end ?? 0)),
    },
    takenOfDoctor,
    takenOfPatient: NOTHING_TAKEN,
  }));

describe('a slot allocator', () => {
  it('gives the first slot that suits the patient first', () => {
    fc.assert(
      fc.property(clinic, (one) => {
        const facts = factsOf(one);
        const allocation = createSlotAllocator(facts, NOW + DAY, new PendingAllocations()).allocate(one.takenOfPatient);
        const suiting = facts.map((ofDoctor) => ({ ...ofDoctor, takenOfPatient: one.takenOfPatient }));
        const [first] = firstSlots(suiting, NOW + DAY, 1);
        expect(allocation && iso(allocation.start)).toBe(first?.start);
      }),
    );
  });

  it('gives no seat twice, and every seat that is there when all want visits', () => {
    fc.assert(
      fc.property(clinic, (one) => {
        const facts = factsOf(one);
        const allocator = createSlotAllocator(facts, NOW + DAY, new PendingAllocations());
        const seats = new Map(facts.map((ofDoctor) => [ofDoctor.doctor.id, new Map(ofDoctor.takenOfDoctor)]));
        for (
          let allocation = allocator.allocate(NOTHING_TAKEN);
          allocation;
          allocation = allocator.allocate(NOTHING_TAKEN)
        ) {
          const { start, facts: given } = allocation;
          const ownSeats = seats.get(given.doctor.id) ?? new Map<number, number>();
          const visit = visitAt(start, given.type);
          const { first, end } = cellsOf({ start: visit.start, end: visit.end + one.bufferAfterMinutes * 60_000 });
          for (let cell = first; cell < end; cell += 1) {
            ownSeats.set(cell, (ownSeats.get(cell) ?? 0) + 1);
            expect(ownSeats.get(cell)).toBeLessThanOrEqual(one.capacity);
          }
        }
        for (const ofDoctor of facts) {
          const remaining = { ...ofDoctor, takenOfDoctor: seats.get(ofDoctor.doctor.id) ?? NOTHING_TAKEN };
          expect([...freeStarts(remaining)]).toEqual([]);
        }
      }),
    );
  });

  it('gives what was given back again', () => {
    fc.assert(
      fc.property(clinic, (one) => {
        const allocator = createSlotAllocator(factsOf(one), NOW + DAY, new PendingAllocations());
        const first = allocator.allocate(NOTHING_TAKEN);
        allocator.allocate(NOTHING_TAKEN);
        first?.release();
        const again = allocator.allocate(NOTHING_TAKEN);
        expect([again?.facts.doctor.id, again?.start]).toEqual([first?.facts.doctor.id, first?.start]);
      }),
    );
  });

  const starts = (allocations: readonly (Allocation | undefined)[]) =>
    allocations.map((allocation) => allocation && [allocation.facts.doctor.id, allocation.start]);

  it('gives nothing that an earlier one gave and the database has not decided about', () => {
    fc.assert(
      fc.property(clinic, fc.nat(5), (one, before) => {
        const facts = factsOf(one);
        const pending = new PendingAllocations();
        const [earlier, alone] = [
          createSlotAllocator(facts, NOW + DAY, pending),
          createSlotAllocator(facts, NOW + DAY, new PendingAllocations()),
        ];
        for (let n = 0; n < before; n += 1) {
          earlier.allocate(NOTHING_TAKEN);
          alone.allocate(NOTHING_TAKEN);
        }
        const later = createSlotAllocator(facts, NOW + DAY, pending);
        for (let n = 0; n < 5; n += 1)
          expect(starts([later.allocate(NOTHING_TAKEN)])).toEqual(starts([alone.allocate(NOTHING_TAKEN)]));
      }),
    );
  });

  it.each(['confirm', 'release'] as const)(
    'leaves what is free to the facts after %s, also when that comes twice',
    (end) => {
      fc.assert(
        fc.property(clinic, (one) => {
          const facts = factsOf(one);
          const pending = new PendingAllocations();
          const allocations = Array.from({ length: 3 }, () =>
            createSlotAllocator(facts, NOW + DAY, pending).allocate(NOTHING_TAKEN),
          );
          for (const allocation of [...allocations, allocations[0]]) allocation?.[end]();
          const [after, alone] = [
            createSlotAllocator(facts, NOW + DAY, pending),
            createSlotAllocator(facts, NOW + DAY, new PendingAllocations()),
          ];
          expect(starts([after.allocate(NOTHING_TAKEN)])).toEqual(starts([alone.allocate(NOTHING_TAKEN)]));
        }),
      );
    },
  );
});
