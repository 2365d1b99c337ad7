import fc from 'fast-check';
import { expect, it } from 'vitest';
import { iso, startAppointments, startClinic } from '../testing.ts';

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
