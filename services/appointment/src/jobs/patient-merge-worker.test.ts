import type { Appointment, EventType } from '@daybook/contracts';
import { idToBytes, newId } from '@daybook/database';
import { createLogger } from '@daybook/service';
import { databaseKind } from '@daybook/testing/databases';
import { type RootOperationNode, SelectQueryNode } from 'kysely';
import { describe, expect, it } from 'vitest';
import { patientMergesConsumer } from '../events/consumers.ts';
import { createPatientMergeStore } from '../store/patient-merges.ts';
import { REASSIGN_BATCH_SIZE } from '../store/reassignments.ts';
import { createRevalidationStore } from '../store/revalidation.ts';
import { pausedAfter, SEEN, startClinic, transactionsWaitingForParticipants, UNKNOWN_ID } from '../testing.ts';
import { startPatientMergeWorker } from './patient-merge-worker.ts';

const START = '2026-11-10T16:00:00.000Z';
const LATER = '2026-11-10T18:00:00.000Z';
const service = { id: 'appointment-service', role: 'service', patientIds: [] } as const;
const logger = createLogger({ level: 'silent' });

type Kind = 'merged' | 'unmerged';

/** Starts a clinic and a function that merges patients as the patient service does. */
async function startMergeable() {
  const clinic = await startClinic();
  const { database, clock, book, bookingRequest, changePatient } = clinic;
  const consumer = patientMergesConsumer(database, clock, logger, () => undefined);
  const store = createPatientMergeStore(database, clock);

  const eventOf = (kind: Kind, patientId: string, into: string, sequence: number) => ({
    specversion: '1.0' as const,
    id: newId(),
    source: '/services/patient',
    type: `daybook.patient.${kind}.v1` satisfies EventType,
    subject: patientId,
    time: clock().toString(),
    datacontenttype: 'application/json' as const,
    sequence,
    data: { patientId, into },
  });
  const due = () =>
    database.read((db) => db.selectFrom('merged_patients').selectAll().where('due_at', 'is not', null).execute());

  return {
    ...clinic,
    consumer,
    store,
    eventOf,
    due,
    /** Changes the record as the patient service does, and returns the event about it. */
    change: (kind: Kind, patientId: string, into: string) =>
      eventOf(kind, patientId, into, changePatient(patientId, kind === 'unmerged')),
    /** Moves appointments until nothing is due. */
    async moveAll() {
      for (let rounds = 0; rounds < 100; rounds += 1) {
        const next = await store.next(service);
        if (next === undefined) return;
        while (await store.reassignBatch(service, next));
      }
      throw new Error('it does not end');
    },
    bookFor: (patientId: string, start = START, more = {}): Promise<Appointment> =>
      book(bookingRequest(start, { patientId, ...more })),
    ofPatient: async (patientId: string) =>
      (await clinic.list({ patientId, limit: '100' })).items.map(({ id }) => id).sort(),
  };
}

/** Starts a mergeable clinic with one person in two records: `old` is merged into `stays`. */
async function startTwins() {
  const clinic = await startMergeable();
  const [old, stays] = [clinic.patientId, clinic.addPatient()];
  const deliver = async (kind: Kind, patientId = old, into = stays) => {
    const event = clinic.change(kind, patientId, into);
    await clinic.consumer.handle(event);
    return event;
  };
  return {
    ...clinic,
    old,
    stays,
    deliver,
    /** Delivers an event about something other than a merge to its consumer. */
    tellChange: clinic.deliver,
    async merge(patientId = old, into = stays) {
      await deliver('merged', patientId, into);
      await clinic.moveAll();
    },
    async unmerge(patientId = old, into = stays) {
      await deliver('unmerged', patientId, into);
      await clinic.moveAll();
    },
  };
}

/** Returns whether a query finds appointments that were reassigned before. */
const findsMoved = (query: RootOperationNode): boolean => SelectQueryNode.is(query) && query.joins !== undefined;

/** Returns whether a query reads the seats of the record that stays. */
const findsSeats = (query: RootOperationNode): boolean =>
  SelectQueryNode.is(query) && JSON.stringify(query.selections).includes('"seat"');

describe('the appointments of a merged patient', () => {
  it('move to the record that stays, with their time, whatever their status is', async () => {
    const { old, stays, bookFor, post, merge, ofPatient, read, expectReservationsMatch } = await startTwins();
    const booked = await bookFor(old);
    const cancelled = await bookFor(old, LATER);
    await post(`/${cancelled.id}/cancel`, { reason: 'ill' });
    await merge();
    expect(await ofPatient(old)).toEqual([]);
    expect(await ofPatient(stays)).toEqual([booked.id, cancelled.id].sort());
    const { updatedAt: _, ...moved } = await read(booked.id);
    const { updatedAt: __, ...before } = booked;
    expect(moved).toEqual({ ...before, patientId: stays, version: 2 });
    expect(await read(cancelled.id)).toMatchObject({ patientId: stays, status: 'cancelled', version: 3 });
    await expectReservationsMatch();
  });

  it('keep what happened in their history, and publish it with ids only', async () => {
    const { old, stays, bookFor, merge, history, outbox } = await startTwins();
    const { id } = await bookFor(old);
    await merge();
    expect((await history(id)).at(-1)).toEqual({
      at: '2026-11-02T08:00:00.000Z',
      by: { id: service.id, role: service.role },
      action: 'patient-merged',
      sequence: 0,
      fromPatientId: old,
      toPatientId: stays,
    });
    const last = JSON.parse((await outbox()).at(-1) ?? '');
    expect(last).toMatchObject({
      type: 'daybook.appointment.patient-merged.v1',
      subject: id,
      sequence: 2,
      data: { appointmentId: id, patientId: stays },
    });
  });

  it('are kept, overbooked and flagged where the patient has another visit then', async () => {
    const { old, stays, addDoctor, bookFor, merge, read, list, history, expectReservationsMatch, post } =
      await startTwins();
    const own = await bookFor(stays);
    const collides = await bookFor(old, '2026-11-10T16:15:00.000Z', { doctorId: addDoctor().id });
    const free = await bookFor(old, LATER);
    await merge();
    expect(await read(collides.id)).toMatchObject({
      patientId: stays,
      status: 'booked',
      needsRescheduling: true,
      reschedulingReasons: ['patient-busy'],
    });
    expect(await read(own.id)).toEqual(own);
    expect(await read(free.id)).toMatchObject({ patientId: stays, needsRescheduling: false });
    expect((await list({ needsRescheduling: 'true' })).items.map(({ id }) => id)).toEqual([collides.id]);
    expect((await history(collides.id)).at(-1)).toMatchObject({ reschedulingReasons: ['patient-busy'] });
    await expectReservationsMatch();
    // The patient is still busy after one of the two is cancelled.
    await post(`/${own.id}/cancel`, { reason: 'twice' });
    const other = { patientId: stays, doctorId: addDoctor().id, appointmentTypeId: own.appointmentTypeId };
    expect(await post('', { ...other, start: '2026-11-10T16:15:00.000Z' })).toMatchObject({
      status: 409,
      body: { code: 'patient-busy' },
    });
    await post(`/${collides.id}/cancel`, { reason: 'twice' });
    expect(await post('', { ...other, start: '2026-11-10T16:15:00.000Z' })).toMatchObject({ status: 201 });
    await expectReservationsMatch();
  });

  it('that collide are flagged again by a step back to booked, and not where the other visit is gone', async () => {
    const { old, stays, addDoctor, bookFor, merge, post, read, history, time, expectReservationsMatch } =
      await startTwins();
    const own = await bookFor(stays);
    const { id } = await bookFor(old, '2026-11-10T16:15:00.000Z', { doctorId: addDoctor().id });
    await merge();
    time.now = Temporal.Instant.from('2026-11-10T15:00:00.000Z');
    const returnFromArrival = async () => {
      expect(await post(`/${id}/arrive`)).toMatchObject({ status: 200, body: { needsRescheduling: false } });
      return (await post(`/${id}/step-back`, { reason: 'the wrong line' })).body;
    };
    const flagged = { status: 'booked', needsRescheduling: true, reschedulingReasons: ['patient-busy'] };
    expect(await returnFromArrival()).toMatchObject(flagged);
    expect(await read(id)).toMatchObject(flagged);
    expect((await history(id)).at(-1)).toMatchObject({ reschedulingReasons: ['patient-busy'] });
    await expectReservationsMatch();
    await post(`/${own.id}/cancel`, { reason: 'twice' });
    expect(await returnFromArrival()).toMatchObject({ status: 'booked', needsRescheduling: false });
    await expectReservationsMatch();
  });

  it('that are over are not flagged', async () => {
    const { old, stays, addDoctor, bookFor, merge, read, time } = await startTwins();
    await bookFor(stays);
    const collides = await bookFor(old, START, { doctorId: addDoctor().id });
    time.now = Temporal.Instant.from('2026-11-11T08:00:00.000Z');
    await merge();
    expect(await read(collides.id)).toMatchObject({ patientId: stays, needsRescheduling: false });
  });

  it('lose the flag that the old record was not active, and keep those of the doctor', async () => {
    const {
      bookFor,
      changePatient,
      changeDoctor,
      doctor,
      deliver,
      revalidate,
      read,
      moveAll,
      consumer,
      eventOf,
      patientId: old,
      addPatient,
    } = await startMergeable();
    const stays = addPatient();
    const { id } = await bookFor(old);
    await deliver('daybook.patient.deactivated.v1', old, changePatient(old, false));
    await deliver('daybook.doctor.exception-added.v1', doctor.id, changeDoctor(doctor, { open: [] }));
    await revalidate();
    expect(await read(id)).toMatchObject({ reschedulingReasons: ['outside-availability', 'patient-inactive'] });
    await consumer.handle(eventOf('merged', old, stays, changePatient(old, false)));
    await moveAll();
    await revalidate();
    expect(await read(id)).toMatchObject({ patientId: stays, reschedulingReasons: ['outside-availability'] });
  });

  it('are flagged when the record that stays is not active', async () => {
    const { old, stays, bookFor, changePatient, merge, revalidate, read } = await startTwins();
    const { id } = await bookFor(old);
    changePatient(stays, false);
    await merge();
    await revalidate();
    expect(await read(id)).toMatchObject({ patientId: stays, reschedulingReasons: ['patient-inactive'] });
  });

  it('move a bounded number at once, and all in the end', async () => {
    const { old, stays, database, bookFor, deliver, store, ofPatient, read } = await startTwins();
    const first = await bookFor(old);
    const [row] = await database.read((db) => db.selectFrom('appointments').selectAll().execute());
    if (!row) throw new Error('nothing was booked');
    const copies = Array.from({ length: REASSIGN_BATCH_SIZE + 20 }, () => ({
      ...row,
      id: idToBytes(newId()),
      status: 'cancelled' as const,
    }));
    await database.write((tx) => tx.insertInto('appointments').values(copies).execute());
    await deliver('merged');
    const moved = () => database.read((db) => db.selectFrom('moved_appointments').select('appointment_id').execute());
    expect(await store.reassignBatch(service, old)).toBe(true);
    expect(await moved()).toHaveLength(REASSIGN_BATCH_SIZE);
    expect(await store.reassignBatch(service, old)).toBe(false);
    expect(await moved()).toHaveLength(REASSIGN_BATCH_SIZE + 21);
    expect(await ofPatient(old)).toEqual([]);
    expect(await read(first.id)).toMatchObject({ patientId: stays });
  });

  it('are reassigned by the worker, which is woken by the event or finds it by itself', async () => {
    const { old, stays, bookFor, deliver, store, due, read } = await startTwins();
    const { id } = await bookFor(old);
    const worker = startPatientMergeWorker(store, logger);
    await deliver('merged');
    worker.wake();
    await expect.poll(due).toEqual([]);
    await deliver('unmerged');
    await expect.poll(due, { timeout: 10_000 }).toEqual([]);
    await worker.close();
    expect(await read(id)).toMatchObject({ patientId: old, version: 3 });
    expect(stays).not.toBe(old);
  });
});

describe('an unmerge', () => {
  it('returns what the merge reassigned, and not what was booked since for the record that stays', async () => {
    const { old, stays, bookFor, merge, unmerge, ofPatient, history, read, expectReservationsMatch } =
      await startTwins();
    const own = await bookFor(stays);
    const moved = await bookFor(old, LATER);
    await merge();
    const since = await bookFor(stays, '2026-11-11T16:00:00.000Z');
    await unmerge();
    expect(await ofPatient(old)).toEqual([moved.id]);
    expect(await ofPatient(stays)).toEqual([own.id, since.id].sort());
    expect((await history(moved.id)).map(({ action }) => action)).toEqual([
      'booked',
      'patient-merged',
      'patient-unmerged',
    ]);
    expect(await read(moved.id)).toMatchObject({ patientId: old, version: 3 });
    await expectReservationsMatch();
  });

  it('takes the flag from visits that collided', async () => {
    const { old, stays, addDoctor, bookFor, merge, unmerge, read, expectReservationsMatch } = await startTwins();
    await bookFor(stays);
    const { id } = await bookFor(old, START, { doctorId: addDoctor().id });
    await merge();
    expect(await read(id)).toMatchObject({ needsRescheduling: true });
    await unmerge();
    expect(await read(id)).toMatchObject({ patientId: old, needsRescheduling: false });
    await expectReservationsMatch();
  });

  it('returns what was rescheduled and cancelled meanwhile, too', async () => {
    const { old, stays, bookFor, merge, unmerge, post, ofPatient, expectReservationsMatch } = await startTwins();
    const [moved, cancelled] = [await bookFor(old), await bookFor(old, LATER)];
    await merge();
    expect(await post(`/${moved.id}/reschedule`, { start: '2026-11-12T16:00:00.000Z' })).toMatchObject({
      status: 200,
      body: { patientId: stays },
    });
    await post(`/${cancelled.id}/cancel`, { reason: 'ill' });
    await unmerge();
    expect(await ofPatient(old)).toEqual([moved.id, cancelled.id].sort());
    await expectReservationsMatch();
  });

  it('lets the record be booked for and merged again', async () => {
    const { old, stays, bookFor, merge, unmerge, ofPatient, database } = await startTwins();
    await merge();
    await unmerge();
    const again = await bookFor(old);
    expect(await ofPatient(old)).toEqual([again.id]);
    await merge();
    expect(await ofPatient(stays)).toEqual([again.id]);
    await unmerge();
    expect(await ofPatient(old)).toEqual([again.id]);
    expect(await database.read((db) => db.selectFrom('moved_appointments').selectAll().execute())).toEqual([]);
  });
});

describe('merges of several records', () => {
  /** Starts three records to merge, `a` into `b` and `b` into `c`, each with an appointment. */
  async function startChain() {
    const clinic = await startTwins();
    const [a, b, c] = [clinic.old, clinic.stays, clinic.addPatient()];
    const ofA = await clinic.bookFor(a);
    const ofB = await clinic.bookFor(b, LATER);
    const ofC = await clinic.bookFor(c, '2026-11-11T16:00:00.000Z');
    return { ...clinic, a, b, c, ofA, ofB, ofC };
  }

  it('gather everything at the record that stays', async () => {
    const { a, b, c, ofA, ofB, ofC, merge, ofPatient } = await startChain();
    await merge(a, b);
    await merge(b, c);
    expect(await ofPatient(c)).toEqual([ofA.id, ofB.id, ofC.id].sort());
  });

  it('undone above return what was gathered below', async () => {
    const { a, b, c, ofA, ofB, ofC, merge, unmerge, ofPatient } = await startChain();
    await merge(a, b);
    await merge(b, c);
    await unmerge(b, c);
    expect([await ofPatient(a), await ofPatient(b), await ofPatient(c)]).toEqual([
      [],
      [ofA.id, ofB.id].sort(),
      [ofC.id],
    ]);
    await unmerge(a, b);
    expect(await ofPatient(a)).toEqual([ofA.id]);
  });

  it('undone below return only what was booked there', async () => {
    const { a, b, c, ofA, ofB, ofC, merge, unmerge, ofPatient, expectReservationsMatch } = await startChain();
    await merge(a, b);
    await merge(b, c);
    await unmerge(a, b);
    expect([await ofPatient(a), await ofPatient(c)]).toEqual([[ofA.id], [ofB.id, ofC.id].sort()]);
    await unmerge(b, c);
    expect([await ofPatient(b), await ofPatient(c)]).toEqual([[ofB.id], [ofC.id]]);
    await expectReservationsMatch();
  });

  it('come to the same whatever order their events come in', async () => {
    const { a, b, c, ofA, ofB, ofC, change, consumer, moveAll, ofPatient, expectReservationsMatch } =
      await startChain();
    const first = change('merged', a, b);
    const second = change('merged', b, c);
    await consumer.handle(second);
    await moveAll();
    await consumer.handle(first);
    await moveAll();
    expect(await ofPatient(c)).toEqual([ofA.id, ofB.id, ofC.id].sort());
    await expectReservationsMatch();
  });

  it('wait while they seem to lead in a circle, until the event comes that ends it', async () => {
    const { a, b, ofA, ofB, change, consumer, store, moveAll, ofPatient, due } = await startChain();
    await consumer.handle(change('merged', a, b));
    const unmerged = change('unmerged', a, b);
    await consumer.handle(change('merged', b, a));
    await expect(store.reassignBatch(service, b)).rejects.toThrow('cycle');
    await store.postpone(service, b);
    expect(await due()).toHaveLength(2);
    await consumer.handle(unmerged);
    await store.reassignBatch(service, a);
    await store.reassignBatch(service, b);
    await moveAll();
    expect(await ofPatient(a)).toEqual([ofA.id, ofB.id].sort());
  });

  it('lose nothing when all are settled simultaneously', async () => {
    const { a, b, c, ofA, ofB, ofC, change, consumer, store, moveAll, ofPatient, expectReservationsMatch } =
      await startChain();
    for (let round = 0; round < 3; round += 1) {
      const merged = [change('merged', a, b), change('merged', b, c)];
      await Promise.all([
        ...merged.map((event) => consumer.handle(event).then(() => store.reassignBatch(service, event.subject))),
      ]);
      await moveAll();
      expect(await ofPatient(c)).toEqual([ofA.id, ofB.id, ofC.id].sort());
      const unmerged = [change('unmerged', a, b), change('unmerged', b, c)];
      await Promise.all([
        ...unmerged.map((event) => consumer.handle(event).then(() => store.reassignBatch(service, event.subject))),
      ]);
      await moveAll();
      expect([await ofPatient(a), await ofPatient(b), await ofPatient(c)]).toEqual([[ofA.id], [ofB.id], [ofC.id]]);
    }
    await expectReservationsMatch();
  });

  it('whose events come together end, however many appointments one of them returns that another one moves on', async () => {
    const { a, b, c, ofA, ofB, ofC, database, addPatient, merge, change, consumer, store, ...clinic } =
      await startChain();
    const d = addPatient();
    await merge(a, b);
    await merge(b, c);
    const [row] = await database.read((db) =>
      db.selectFrom('appointments').selectAll().where('id', '=', idToBytes(ofA.id)).execute(),
    );
    if (!row) throw new Error('nothing was booked');
    const copies = Array.from({ length: REASSIGN_BATCH_SIZE }, () => ({
      ...row,
      id: idToBytes(newId()),
      status: 'cancelled' as const,
    }));
    const origins = copies.map(({ id }) => ({ appointment_id: id, origin_id: idToBytes(a) }));
    await database.write(async (tx) => {
      await tx.insertInto('appointments').values(copies).execute();
      await tx.insertInto('moved_appointments').values(origins).execute();
    });
    await consumer.handle(change('merged', c, d));
    await consumer.handle(change('unmerged', b, c));
    expect(await store.reassignBatch(service, c)).toBe(false);
    await clinic.moveAll();
    expect(await clinic.ofPatient(b)).toHaveLength(REASSIGN_BATCH_SIZE + 2);
    expect(await clinic.ofPatient(b)).toEqual(expect.arrayContaining([ofA.id, ofB.id]));
    expect(await clinic.ofPatient(d)).toEqual([ofC.id]);
  });

  describe.runIf(databaseKind !== 'sqlite')('settled by two processes', () => {
    it('leave an appointment where an unmerge returned it while another process was about to move it on', async () => {
      const { a, b, c, ofA, ofB, ofC, addPatient, merge, change, consumer, store, ...clinic } = await startChain();
      const d = addPatient();
      await merge(a, b);
      await merge(b, c);
      await consumer.handle(change('merged', c, d));
      const slow = pausedAfter(clinic.database, findsMoved, async () => {
        await consumer.handle(change('unmerged', b, c));
        await store.reassignBatch(service, b);
      });
      await createPatientMergeStore(slow, clinic.clock).reassignBatch(service, c);
      await clinic.moveAll();
      expect(await clinic.ofPatient(b)).toEqual([ofA.id, ofB.id].sort());
      expect(await clinic.ofPatient(d)).toEqual([ofC.id]);
      expect(await clinic.due()).toEqual([]);
      await clinic.expectReservationsMatch();
    });
  });
});

describe('an event of a merge', () => {
  it('that comes again changes nothing', async () => {
    const { old, stays, bookFor, deliver, moveAll, consumer, read } = await startTwins();
    const { id } = await bookFor(old);
    const event = await deliver('merged');
    await moveAll();
    await consumer.handle(event);
    await consumer.handle({ ...event, id: newId() });
    await moveAll();
    expect(await read(id)).toMatchObject({ patientId: stays, version: 2 });
  });

  it('that comes after a newer one of its record changes nothing', async () => {
    const { old, bookFor, change, stays, moveAll, consumer, read } = await startTwins();
    const { id } = await bookFor(old);
    const [merged, unmerged] = [change('merged', old, stays), change('unmerged', old, stays)];
    await consumer.handle(unmerged);
    await consumer.handle(merged);
    await moveAll();
    expect(await read(id)).toMatchObject({ patientId: old, version: 1 });
  });

  it('of patients without appointments is noted and settled', async () => {
    const { merge, due } = await startTwins();
    await merge();
    expect(await due()).toEqual([]);
  });

  it('that does not match the catalogue is parked', async () => {
    const { consumer, eventOf, database } = await startTwins();
    const event = eventOf('merged', UNKNOWN_ID, UNKNOWN_ID, 2);
    await consumer.handle(JSON.parse(JSON.stringify({ ...event, data: { patientId: UNKNOWN_ID } })));
    const parked = await database.read((db) => db.selectFrom('parked_events').select('consumer').execute());
    expect(parked).toEqual([{ consumer: 'appointment.merges' }]);
  });
});

describe('a booking under way when its patient is merged', () => {
  it('is rejected when it was verified before and comes after', async () => {
    const { old, post, bookingRequest, pauseCalls, deliver, moveAll, ofPatient } = await startTwins();
    const { received, resume } = pauseCalls(2);
    const booking = post('', bookingRequest(START, { patientId: old }));
    await received;
    await deliver('merged');
    await moveAll();
    resume();
    expect(await booking).toMatchObject({ status: 422, body: { code: 'patient-inactive' } });
    expect(await ofPatient(old)).toEqual([]);
  });

  it('is reassigned when it was stored between the merge and its event', async () => {
    const { old, stays, bookFor, change, consumer, moveAll, ofPatient, changePatient } = await startTwins();
    // An instance of the patient service that lags behind still reports the record as active.
    const event = change('merged', old, stays);
    changePatient(old, true);
    const late = await bookFor(old);
    await consumer.handle({ ...event, sequence: event.sequence + 1 });
    await moveAll();
    expect(await ofPatient(stays)).toEqual([late.id]);
  });

  it.each([0, 1, 2, 3, 4])('never stays with the old record when the merge comes after %i of them', async (ahead) => {
    const { old, stays, post, bookingRequest, change, consumer, store, moveAll, ofPatient, expectReservationsMatch } =
      await startTwins();
    const starts = ['14:00', '14:30', '15:00', '15:30', '16:00'].map((time) => `2026-11-10T${time}:00Z`);
    const bookings = starts.map((start) => post('', bookingRequest(start, { patientId: old })));
    await Promise.all(bookings.slice(0, ahead));
    await consumer.handle(change('merged', old, stays));
    await store.reassignBatch(service, old);
    const responses = await Promise.all(bookings);
    await moveAll();
    const booked = responses.filter(({ status }) => status === 201);
    for (const { status, body } of responses) {
      if (status !== 201) expect(body).toMatchObject({ code: 'patient-inactive' });
    }
    expect(await ofPatient(old)).toEqual([]);
    expect(await ofPatient(stays)).toHaveLength(booked.length);
    await expectReservationsMatch();
  });

  it('for the record that stays, at the time of a visit that is moved there: both are kept, or the booking is rejected', async () => {
    const {
      old,
      stays,
      bookFor,
      addDoctor,
      post,
      bookingRequest,
      deliver,
      store,
      moveAll,
      read,
      ofPatient,
      expectReservationsMatch,
    } = await startTwins();
    const moved = await bookFor(old);
    const other = addDoctor().id;
    const booking = post('', bookingRequest(START, { patientId: stays, doctorId: other }));
    await deliver('merged');
    await store.reassignBatch(service, old);
    const { status, body } = await booking;
    await moveAll();
    if (status === 201) {
      expect(await read(moved.id)).toMatchObject({ patientId: stays, reschedulingReasons: ['patient-busy'] });
      expect(await ofPatient(stays)).toHaveLength(2);
    } else {
      expect(body).toMatchObject({ code: 'patient-busy' });
      expect(await read(moved.id)).toMatchObject({ patientId: stays, needsRescheduling: false });
    }
    await expectReservationsMatch();
  });

  describe.runIf(databaseKind !== 'sqlite')('for the record that stays', () => {
    it('waits for a visit that is moved there, and does not take a time that the visit has next to another one', async () => {
      const { old, stays, database, clock, bookFor, addDoctor, post, bookingRequest, deliver, read, ...clinic } =
        await startTwins();
      const own = await bookFor(stays);
      const moved = await bookFor(old, START, { doctorId: addDoctor().id });
      await deliver('merged');
      const wanted = bookingRequest(START, { patientId: stays, doctorId: addDoctor().id });
      const booking = Promise.withResolvers<Awaited<ReturnType<typeof post>>>();
      const slow = pausedAfter(database, findsSeats, async () => {
        expect(await post(`/${own.id}/cancel`, { reason: 'twice' })).toMatchObject({ status: 200 });
        post('', wanted).then(booking.resolve, booking.reject);
        const waits = expect.poll(() => transactionsWaitingForParticipants(database), SEEN).toBeGreaterThan(0);
        await Promise.race([booking.promise, waits]);
      });
      await createPatientMergeStore(slow, clock).reassignBatch(service, old);
      expect(await booking.promise).toMatchObject({ status: 409, body: { code: 'patient-busy' } });
      expect(await read(moved.id)).toMatchObject({ patientId: stays });
      await clinic.expectReservationsMatch();
    });
  });

  it('to be moved in time is rejected: the appointment has changed', async () => {
    const { old, stays, bookFor, post, pauseCalls, deliver, moveAll, read, expectReservationsMatch } =
      await startTwins();
    const { id } = await bookFor(old);
    const { received, resume } = pauseCalls(2);
    const move = post(`/${id}/reschedule`, { start: LATER });
    await received;
    await deliver('merged');
    await moveAll();
    resume();
    expect((await move).status).toBeGreaterThanOrEqual(409);
    expect(await read(id)).toMatchObject({ patientId: stays, start: START });
    await expectReservationsMatch();
  });
});

describe('a revalidation under way when its patient is merged', () => {
  /** Books a future visit for each of two records; `old` has the one at START. */
  async function startRevalidated() {
    const clinic = await startTwins();
    const visit = await clinic.bookFor(clinic.old);
    const own = await clinic.bookFor(clinic.stays, LATER);
    return { ...clinic, visit, own, revalidations: createRevalidationStore(clinic.database, clinic.clock) };
  }
  type Revalidated = Awaited<ReturnType<typeof startRevalidated>>;

  /** Starts the only revalidation that is due, and reads its appointments. */
  async function begin({ revalidations }: Revalidated) {
    const revalidate = await revalidations.next(service);
    if (!revalidate) throw new Error('nothing is due');
    return { revalidate, seen: await revalidations.upcoming(service, revalidate, undefined) };
  }

  it('does not flag a visit that was returned to another record since it was read', async () => {
    const clinic = await startRevalidated();
    const { stays, visit, own, revalidations, merge, unmerge, tellChange, changePatient, revalidate, read } = clinic;
    await merge();
    await revalidate();
    await tellChange('daybook.patient.deactivated.v1', stays, changePatient(stays, false));
    const begun = await begin(clinic);
    expect(begun.seen.map(({ id }) => id)).toEqual([visit.id, own.id]);
    await unmerge();
    await revalidations.flag(service, begun.revalidate, begun.seen, {
      kind: 'patient',
      patient: { active: false, version: 2 },
    });
    expect(await read(own.id)).toMatchObject({ reschedulingReasons: ['patient-inactive'] });
    expect(await read(visit.id)).toMatchObject({ patientId: clinic.old, needsRescheduling: false });
  });

  it('of the doctor flags a visit that a merge moved since it was read', async () => {
    const clinic = await startRevalidated();
    const { stays, visit, revalidations, merge, tellChange, doctor, changeDoctor, read } = clinic;
    await tellChange('daybook.doctor.exception-added.v1', doctor.id, changeDoctor(doctor, { open: [] }));
    const { revalidate, seen } = await begin(clinic);
    await merge();
    await revalidations.flag(service, revalidate, seen, { kind: 'doctor', doctor });
    expect(await read(visit.id)).toMatchObject({ patientId: stays, reschedulingReasons: ['outside-availability'] });
  });

  it('does not end with the revalidation of what the merge moved since', async () => {
    const clinic = await startRevalidated();
    const { stays, visit, own, revalidations, merge, tellChange, changePatient, revalidate, read } = clinic;
    await tellChange('daybook.patient.deactivated.v1', stays, changePatient(stays, false));
    const begun = await begin(clinic);
    expect(begun.seen.map(({ id }) => id)).toEqual([own.id]);
    await merge();
    await revalidations.finish(service, begun.revalidate);
    await revalidate();
    for (const { id } of [visit, own]) {
      expect(await read(id)).toMatchObject({ patientId: stays, reschedulingReasons: ['patient-inactive'] });
    }
  });
});

it('only Daybook itself moves appointments of merged patients', async () => {
  const { store, old } = await startTwins();
  const desk = { id: 'desk', role: 'front-desk', patientIds: [] } as const;
  await expect(store.next(desk)).rejects.toMatchObject({ code: 'forbidden' });
  await expect(store.reassignBatch(desk, old)).rejects.toMatchObject({ code: 'forbidden' });
  await expect(store.postpone(desk, old)).rejects.toMatchObject({ code: 'forbidden' });
});
