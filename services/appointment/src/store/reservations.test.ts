import type { AppointmentType } from '@daybook/contracts';
import { newId } from '@daybook/database';
import { databaseKind } from '@daybook/testing/databases';
import fc from 'fast-check';
import type { KyselyPlugin } from 'kysely';
import { describe, expect, it } from 'vitest';
import { at, iso, NOW, SEEN, startAppointments, startClinic, transactionsWaitingForParticipants } from '../testing.ts';
import { checkVersions } from './participant-versions.ts';
import { reserve } from './reservations.ts';

const FIRST = Temporal.Instant.from('2026-11-03T14:00:00.000Z').epochMilliseconds;

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

it('whatever is done, and at once: the time of the appointments is reserved, and no other, and no participant has too much', async () => {
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
        const responses = await Promise.all(round.map((action) => run(action, ids)));
        for (const response of responses) if (response) expect([200, 201, 409]).toContain(response.status);
        await service.expectReservationsMatch();
      }
      const { items } = await service.list({ limit: '100' });
      for (const { id, version } of items) expect(await service.history(id)).toHaveLength(version);
    }),
    { numRuns: databaseKind === 'sqlite' ? 25 : 8 },
  );
});

it('the database itself refuses a seat that is taken', async () => {
  const { database, book, bookingRequest, reservations } = await startClinic();
  await book(bookingRequest('2026-11-03T16:00:00.000Z'));
  const before = await reservations();
  const rows = await database.read((db) => db.selectFrom('reservations').selectAll().execute());
  for (const row of rows) {
    const again = database.write((tx) => tx.insertInto('reservations').values(row).execute());
    await expect(again).rejects.toSatisfy(database.dialect.isUniqueViolation);
  }
  expect(rows).toHaveLength(12);
  expect(await reservations()).toEqual(before);
});

const START = '2026-11-03T16:00:00.000Z';

/** Starts a clinic whose doctor has visits for one and for groups at the same time. */
async function startGroups(capacity: number) {
  const clinic = await startClinic({ capacity });
  const single = await clinic.addType({ capacity: 1 });
  const visit = { start: at(START), end: at('2026-11-03T16:30:00.000Z') };
  return {
    ...clinic,
    bookInGroup: () => clinic.book(clinic.bookingRequest(START, { patientId: clinic.addPatient() })),
    visit,
    postOf: (appointmentTypeId: string) =>
      clinic.post('', clinic.bookingRequest(START, { patientId: clinic.addPatient(), appointmentTypeId })),
    single,
    /** Reserves the doctor's time as a booking does. `others` starts after the reservation has its locks. */
    async reserveWhile<Result>(taken: AppointmentType, others: () => Promise<Result>): Promise<Result> {
      const { database, doctor } = clinic;
      const verified = [{ id: doctor.id, version: 1 }] as const;
      const placement = { doctorId: doctor.id, timeZone: 'UTC', visit, doctorTime: visit, type: taken, verified };
      const done = Promise.withResolvers<Result>();
      // Inserts the row first, because its first transaction would have it exclusively in any case.
      await database.write((tx) => checkVersions(tx, database.dialect, verified));
      await database.write((tx) =>
        reserve(tx, database.dialect, {
          holder: { id: newId() },
          placement,
          clock: () => Temporal.Instant.fromEpochMilliseconds(at(NOW)),
          // Runs between the lock and the read of free seats.
          async releasePrevious() {
            others().then(done.resolve, done.reject);
            await expect.poll(() => transactionsWaitingForParticipants(database), SEEN).toBeGreaterThan(0);
          },
          extraStatements: [],
        }),
      );
      return done.promise;
    },
  };
}

describe.runIf(databaseKind !== 'sqlite')('while a transaction takes a time', () => {
  it('for one, a request for a seat in a group waits, and is refused', async () => {
    const { postOf, type, single, reserveWhile, reservations } = await startGroups(3);
    expect((await reserveWhile(single, () => postOf(type.id))).status).toBe(409);
    expect(await reservations()).toHaveLength(6);
  });

  it('in a group, a request for the time alone waits, and is refused', async () => {
    const { postOf, type, single, reserveWhile, reservations } = await startGroups(3);
    expect((await reserveWhile(type, () => postOf(single.id))).status).toBe(409);
    expect(await reservations()).toHaveLength(6);
  });

  it('in a group, a request for another seat of it waits, and has it', async () => {
    const { postOf, type, reserveWhile, reservations } = await startGroups(2);
    expect((await reserveWhile(type, () => postOf(type.id))).status).toBe(201);
    expect(await reservations()).toHaveLength(18);
  });

  it('in a group that is full with it, a request for a seat waits, and is refused', async () => {
    const { bookInGroup, postOf, type, reserveWhile, reservations } = await startGroups(2);
    await bookInGroup();
    expect((await reserveWhile(type, () => postOf(type.id))).status).toBe(409);
    expect(await reservations()).toHaveLength(18);
  });
});

it.runIf(databaseKind !== 'sqlite')(
  'a visit for one sees the group that was booked before the doctor could be locked for the first time',
  async () => {
    const { database, doctor, single, visit, bookInGroup, post, expectReservationsMatch } = await startGroups(3);
    let looks = 0;
    const plugin: KyselyPlugin = {
      transformQuery: ({ node }) => node,
      async transformResult({ result }) {
        looks += 1;
        if (looks === 1) {
          const [first] = [await bookInGroup(), await bookInGroup()];
          await post(`/${first.id}/cancel`, { reason: 'ill' });
        }
        return result;
      },
    };
    const reservation = database.write((tx) =>
      reserve(tx.withPlugin(plugin), database.dialect, {
        holder: { id: newId() },
        placement: {
          doctorId: doctor.id,
          timeZone: 'UTC',
          visit,
          doctorTime: visit,
          type: single,
          verified: [{ id: doctor.id, version: 1 }],
        },
        clock: () => Temporal.Instant.fromEpochMilliseconds(at(NOW)),
        extraStatements: [],
      }),
    );
    await expect(reservation).rejects.toMatchObject({ code: 'slot-taken' });
    await expectReservationsMatch();
  },
);

it('a visit for one is refused beside a group whose first seat came free', async () => {
  const { bookInGroup, post, postOf, single, expectReservationsMatch } = await startGroups(3);
  const [first] = [await bookInGroup(), await bookInGroup()];
  await post(`/${first.id}/cancel`, { reason: 'ill' });
  expect((await postOf(single.id)).status).toBe(409);
  await expectReservationsMatch();
});

describe('of simultaneous requests', () => {
  const statusesOf = (responses: readonly { status: number }[]) =>
    responses.map(({ status }) => status).toSorted((one, other) => one - other);
  const expected = (winners: number, losers: number) => [...Array(winners).fill(201), ...Array(losers).fill(409)];

  it('twenty for one time, exactly one has it', async () => {
    const { postOf, single, expectReservationsMatch } = await startGroups(3);
    const responses = await Promise.all(Array.from({ length: 20 }, () => postOf(single.id)));
    expect(statusesOf(responses)).toEqual(expected(1, 19));
    await expectReservationsMatch();
  });

  it('twenty for a seat in a group, as many have one as there are', async () => {
    const { postOf, type, expectReservationsMatch } = await startGroups(7);
    const responses = await Promise.all(Array.from({ length: 20 }, () => postOf(type.id)));
    expect(statusesOf(responses)).toEqual(expected(7, 13));
    await expectReservationsMatch();
  });

  it('for a group and for the time alone, never both have it', async () => {
    const { postOf, type, single, expectReservationsMatch } = await startGroups(4);
    const typeIds = Array.from({ length: 12 }, (_, index) => (index % 2 === 0 ? type.id : single.id));
    const responses = await Promise.all(typeIds.map(postOf));
    for (const { status } of responses) expect([201, 409]).toContain(status);
    expect(responses.some(({ status }) => status === 201)).toBe(true);
    await expectReservationsMatch();
  });
});
