import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { iso, NOBODY } from '../testing.ts';
import { type BookingFacts, NOTHING_TAKEN, visitAt } from './booking-rules.ts';
import { CELL_MILLIS, cellsOf } from './grid.ts';
import { type Claim, createRoster, UnderWay } from './roster.ts';
import { firstSlots, freeStarts } from './slots.ts';

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
      id: NOBODY,
      durationMinutes,
      bufferBeforeMinutes: 0,
      bufferAfterMinutes,
      minimumNoticeMinutes: 0,
      planningHorizonDays: 30,
      capacity,
      active: true,
    },
    doctor: {
      id: NOBODY.replace(/.$/, String(index)),
      version: 1,
      timeZone: 'UTC',
      active: true,
      offers: undefined,
      open: hours.toSorted((a, b) => a.start - b.start).filter((one, at, all) => one.start > (all[at - 1]?.end ?? 0)),
    },
    takenOfDoctor,
    takenOfPatient: NOTHING_TAKEN,
  }));

describe('a roster', () => {
  it('gives the first slot that suits the patient first', () => {
    fc.assert(
      fc.property(clinic, (one) => {
        const facts = factsOf(one);
        const claim = createRoster(facts, NOW + DAY, new UnderWay()).claim(one.takenOfPatient);
        const suiting = facts.map((ofDoctor) => ({ ...ofDoctor, takenOfPatient: one.takenOfPatient }));
        const [first] = firstSlots(suiting, NOW + DAY, 1);
        expect(claim && iso(claim.start)).toBe(first?.start);
      }),
    );
  });

  it('gives no seat twice, and every seat that is there when all want visits', () => {
    fc.assert(
      fc.property(clinic, (one) => {
        const facts = factsOf(one);
        const roster = createRoster(facts, NOW + DAY, new UnderWay());
        const seats = new Map(facts.map((ofDoctor) => [ofDoctor.doctor.id, new Map(ofDoctor.takenOfDoctor)]));
        for (let claim = roster.claim(NOTHING_TAKEN); claim; claim = roster.claim(NOTHING_TAKEN)) {
          const { start, facts: given } = claim;
          const mine = seats.get(given.doctor.id) ?? new Map<number, number>();
          const visit = visitAt(start, given.type);
          const { first, end } = cellsOf({ start: visit.start, end: visit.end + one.bufferAfterMinutes * 60_000 });
          for (let cell = first; cell < end; cell += 1) {
            mine.set(cell, (mine.get(cell) ?? 0) + 1);
            expect(mine.get(cell)).toBeLessThanOrEqual(one.capacity);
          }
        }
        for (const ofDoctor of facts) {
          const left = { ...ofDoctor, takenOfDoctor: seats.get(ofDoctor.doctor.id) ?? NOTHING_TAKEN };
          expect([...freeStarts(left)]).toEqual([]);
        }
      }),
    );
  });

  it('gives what was given back again', () => {
    fc.assert(
      fc.property(clinic, (one) => {
        const roster = createRoster(factsOf(one), NOW + DAY, new UnderWay());
        const first = roster.claim(NOTHING_TAKEN);
        roster.claim(NOTHING_TAKEN);
        first?.giveBack();
        const again = roster.claim(NOTHING_TAKEN);
        expect([again?.facts.doctor.id, again?.start]).toEqual([first?.facts.doctor.id, first?.start]);
      }),
    );
  });

  const starts = (claims: readonly (Claim | undefined)[]) =>
    claims.map((claim) => claim && [claim.facts.doctor.id, claim.start]);

  it('gives nothing that an earlier one gave and the database has not decided about', () => {
    fc.assert(
      fc.property(clinic, fc.nat(5), (one, before) => {
        const facts = factsOf(one);
        const underWay = new UnderWay();
        const [earlier, alone] = [
          createRoster(facts, NOW + DAY, underWay),
          createRoster(facts, NOW + DAY, new UnderWay()),
        ];
        for (let n = 0; n < before; n += 1) {
          earlier.claim(NOTHING_TAKEN);
          alone.claim(NOTHING_TAKEN);
        }
        const later = createRoster(facts, NOW + DAY, underWay);
        for (let n = 0; n < 5; n += 1)
          expect(starts([later.claim(NOTHING_TAKEN)])).toEqual(starts([alone.claim(NOTHING_TAKEN)]));
      }),
    );
  });

  it.each(['settle', 'giveBack'] as const)(
    'leaves what is free to the facts after %s, also when that comes twice',
    (end) => {
      fc.assert(
        fc.property(clinic, (one) => {
          const facts = factsOf(one);
          const underWay = new UnderWay();
          const claims = Array.from({ length: 3 }, () => createRoster(facts, NOW + DAY, underWay).claim(NOTHING_TAKEN));
          for (const claim of [...claims, claims[0]]) claim?.[end]();
          const [after, alone] = [
            createRoster(facts, NOW + DAY, underWay),
            createRoster(facts, NOW + DAY, new UnderWay()),
          ];
          expect(starts([after.claim(NOTHING_TAKEN)])).toEqual(starts([alone.claim(NOTHING_TAKEN)]));
        }),
      );
    },
  );
});
