import { newId, type SharedTables } from '@daybook/database';
import fc from 'fast-check';
import type { KyselyPlugin, Transaction } from 'kysely';
import { describe, expect, it } from 'vitest';
import { at, iso, NOW, startAppointments, startClinic } from '../testing.ts';
import { reserveDoctor, reservePatient } from './reservations.ts';
import type { AppointmentTables } from './tables.ts';

const FIRST = Temporal.Instant.from('2026-11-03T14:00:00Z').epochMilliseconds;

const pick = fc.nat(2);
const start = fc.nat(30).map((cells) => iso(FIRST + cells * 300_000));
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('book' as const), patient: pick, doctor: pick, type: pick, start }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('reschedule' as const), which: fc.nat(20), doctor: pick, start }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), which: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('arrive' as const), which: fc.nat(20) }) },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

it('whatever is done, and at once: the time of the appointments is reserved, and no other, and nobody has too much', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { maxLength: 12 }), async (rounds) => {
      const service = await startAppointments();
      const types = [
        await service.addType({ durationMinutes: 20 }),
        await service.addType({ durationMinutes: 35, bufferBeforeMinutes: 5, bufferAfterMinutes: 10 }),
        await service.addType({ durationMinutes: 60, capacity: 3 }),
      ];
      const doctors = [service.addDoctor(), service.addDoctor(), service.addDoctor()];
      const patients = [service.addPatient(), service.addPatient(), service.addPatient()];
      const idOf = (list: readonly { id: string }[], index: number) => list[index]?.id ?? '';

      async function run(action: Step, ids: readonly string[]) {
        if (action.do === 'book') {
          return service.post('', {
            patientId: patients[action.patient],
            doctorId: idOf(doctors, action.doctor),
            appointmentTypeId: idOf(types, action.type),
            start: action.start,
          });
        }
        const id = ids[action.which % ids.length];
        if (id === undefined) return undefined;
        if (action.do === 'cancel') return service.post(`/${id}/cancel`, { reason: 'ill' });
        if (action.do === 'arrive') return service.post(`/${id}/arrive`);
        return service.post(`/${id}/reschedule`, { start: action.start, doctorId: idOf(doctors, action.doctor) });
      }

      for (const round of rounds) {
        const ids = (await service.list({ limit: '100' })).items.map(({ id }) => id);
        const answers = await Promise.all(round.map((action) => run(action, ids)));
        for (const answer of answers) if (answer) expect([200, 201, 409]).toContain(answer.status);
        await service.expectReservationsMatch();
      }
      const { items } = await service.list({ limit: '100' });
      for (const { id, version } of items) expect(await service.history(id)).toHaveLength(version);
    }),
    { numRuns: 25 },
  );
});

it('the database itself refuses a seat that is taken', async () => {
  const { database, book, wish, reservations } = await startClinic();
  await book(wish('2026-11-03T16:00:00Z'));
  const before = await reservations();
  const rows = await database.read((db) => db.selectFrom('reservations').selectAll().execute());
  for (const row of rows) {
    const again = database.write((tx) => tx.insertInto('reservations').values(row).execute());
    await expect(again).rejects.toSatisfy(database.dialect.isUniqueViolation);
  }
  expect(rows).toHaveLength(12);
  expect(await reservations()).toEqual(before);
});

/** Lets the first reads see nothing, as a read does that others overtake where rows, not databases, are locked. */
function overtaken(times: number) {
  const seen = { reads: 0, locking: 0 };
  const plugin: KyselyPlugin = {
    transformQuery({ node }) {
      if (node.kind !== 'SelectQueryNode') return node;
      seen.reads += 1;
      if (node.endModifiers?.some(({ modifier }) => modifier === 'ForUpdate')) seen.locking += 1;
      // SQLite knows no FOR UPDATE.
      const { endModifiers: _, ...plain } = node;
      return plain;
    },
    async transformResult({ result }) {
      const isStale = result.rows.length > 0 && seen.reads <= times;
      return isStale ? { ...result, rows: [] } : result;
    },
  };
  return { plugin, seen };
}

describe('a seat that somebody took since it looked free', () => {
  const START = '2026-11-03T16:00:00Z';

  async function startGroup(capacity: number) {
    const clinic = await startClinic({ capacity });
    const visit = { start: at(START), end: at('2026-11-03T16:30:00Z') };
    const placement = {
      doctorId: clinic.doctor.id,
      timeZone: 'UTC',
      visit,
      doctorTime: visit,
      capacity,
      verified: [],
    };
    const { dialect } = clinic.database;
    return {
      ...clinic,
      bookAnother: () => clinic.book(clinic.wish(START, { patientId: clinic.addPatient() })),
      /** Reserves in a transaction that is overtaken, over a database that is said to lock rows. */
      async reserveOvertaken(times: number) {
        const { plugin, seen } = overtaken(times);
        await clinic.database.write(async (tx: Transaction<AppointmentTables & SharedTables>) => {
          const locking = { ...dialect, locksRows: true };
          const [plugged, holder, now] = [tx.withPlugin(plugin), { id: newId() }, at(NOW)];
          await reserveDoctor(plugged, locking, holder, placement, now);
          await reservePatient(plugged, locking, holder, clinic.addPatient(), placement, now);
        });
        return seen;
      },
    };
  }

  it('is another one while the group has any, and what is counted is locked', async () => {
    const { bookAnother, reserveOvertaken, reservations } = await startGroup(3);
    await bookAnother();
    const before = await reservations();
    const seen = await reserveOvertaken(1);
    expect(await reservations()).toHaveLength(before.length + 12);
    expect(seen).toEqual({ reads: 3, locking: 3 });
  });

  it('is refused when the group is full, and leaves nothing behind', async () => {
    const { bookAnother, reserveOvertaken, reservations } = await startGroup(2);
    await bookAnother();
    await bookAnother();
    const before = await reservations();
    await expect(reserveOvertaken(1)).rejects.toMatchObject({ code: 'slot-taken' });
    expect(await reservations()).toEqual(before);
  });

  it.each([
    ['as often as the group has seats, and once more', 3, 4],
    ['ten times at most', 100, 10],
  ])('is chosen again %s', async (_what, capacity, most) => {
    const { bookAnother, reserveOvertaken } = await startGroup(capacity);
    await bookAnother();
    await reserveOvertaken(most - 1);
    await expect(reserveOvertaken(most)).rejects.toMatchObject({ code: 'slot-taken' });
  });
});
