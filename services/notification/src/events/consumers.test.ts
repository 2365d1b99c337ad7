import type { CloudEvent, VerifiedCaller } from '@daybook/contracts';
import { newId } from '@daybook/database';
import { describe, expect, it } from 'vitest';
import { createMessageStore } from '../store/messages.ts';
import { appointmentData, appointmentEvent, earlier, startNotifications } from '../testing.ts';

/** Returns an event that breaks the catalogue, as a broker may deliver it. */
const malformed = (event: CloudEvent): CloudEvent => JSON.parse(JSON.stringify({ ...event, data: { start: 'soon' } }));

describe('the messages about an appointment', () => {
  it.each(['booked', 'rescheduled', 'cancelled'] as const)('report that it was %s', async (kind) => {
    const { bus, messages } = await startNotifications();
    const data = appointmentData();
    await bus.publish(appointmentEvent(kind, data));
    expect(await messages(data.appointmentId)).toEqual([
      {
        id: expect.any(String),
        appointmentId: data.appointmentId,
        kind,
        channel: 'in-app',
        status: 'delivered',
        createdAt: '2026-11-02T08:00:00.000Z',
      },
    ]);
  });

  it.each(['arrived', 'checked-in', 'fulfilled', 'noshow'] as const)('do not report that it was %s', async (kind) => {
    const { bus, messages } = await startNotifications();
    const data = appointmentData();
    await bus.publish(appointmentEvent(kind, data));
    expect(await messages(data.appointmentId)).toEqual([]);
  });

  it.each([
    ['cancelled', ['booked']],
    ['noshow', []],
    ['arrived', []],
  ] as const)('report a step back from %s only where the appointment is booked again', async (from, kinds) => {
    const { bus, messages } = await startNotifications();
    const data = { ...appointmentData(), status: { from, to: 'booked' as const } };
    await bus.publish(appointmentEvent('stepped-back', data));
    expect((await messages(data.appointmentId)).map(({ kind }) => kind)).toEqual(kinds);
  });

  it.each(['rescheduled', 'updated'] as const)(
    'report that it was rescheduled where doctor, start or end of a visit that was %s changed, and nowhere else',
    async (what) => {
      const { bus, messages } = await startNotifications();
      const data = appointmentData();
      const { doctorId, start, end, appointmentTypeId } = data;
      const [there, before] = [{ doctorId, start, end }, earlier(data)];
      for (const [previous, kinds] of [
        [{ ...there, doctorId: newId() }, ['rescheduled']],
        [{ ...there, start: before.start }, ['rescheduled']],
        [{ ...there, end: before.end, appointmentTypeId: newId() }, ['rescheduled']],
        [{ ...there, appointmentTypeId: newId() }, []],
      ] as const) {
        const event = { ...data, appointmentId: newId(), appointmentTypeId, previous };
        await bus.publish(appointmentEvent(what, event));
        expect((await messages(event.appointmentId)).map(({ kind }) => kind)).toEqual(kinds);
      }
    },
  );

  it('do not report that its reason or note was updated', async () => {
    const { bus, messages, parked } = await startNotifications();
    const data = appointmentData();
    await bus.publish(appointmentEvent('updated', data));
    expect(await messages(data.appointmentId)).toEqual([]);
    expect(await parked()).toEqual([]);
  });

  it('are there once for an event that comes again, also at once', async () => {
    const { bus, messages } = await startNotifications();
    const data = appointmentData();
    const event = appointmentEvent('booked', data);
    await bus.publish(event);
    await bus.publish(event);
    await Promise.all([bus.publish(event), bus.publish(event)]);
    expect(await messages(data.appointmentId)).toHaveLength(1);
  });

  it('are shown oldest first, however quickly they came', async () => {
    const { bus, messages } = await startNotifications();
    const data = appointmentData();
    const kinds = ['booked', ...Array<'rescheduled'>(20).fill('rescheduled'), 'cancelled'] as const;
    for (const [index, kind] of kinds.entries()) await bus.publish(appointmentEvent(kind, data, index + 1));
    expect((await messages(data.appointmentId)).map(({ kind }) => kind)).toEqual(kinds);
  });

  it('are those of this appointment only', async () => {
    const { bus, messages } = await startNotifications();
    const [one, other] = [appointmentData(), appointmentData()];
    await bus.publish(appointmentEvent('booked', one));
    await bus.publish(appointmentEvent('booked', other));
    await bus.publish(appointmentEvent('cancelled', other, 2));
    expect((await messages(one.appointmentId)).map(({ kind }) => kind)).toEqual(['booked']);
  });

  it('are none where nothing is known of the appointment', async () => {
    const { messages } = await startNotifications();
    expect(await messages(newId())).toEqual([]);
  });

  it('are read by the id of an appointment', async () => {
    const { call } = await startNotifications();
    for (const query of ['', 'appointmentId=x', `patientId=${newId()}`]) {
      expect(await call(query)).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
    }
  });

  it('are listed to the patient and the present doctor of the appointment, and to no other', async () => {
    const { database, bus } = await startNotifications();
    const data = appointmentData();
    const moved = { ...data, doctorId: newId(), previous: earlier(data) };
    await bus.publish(appointmentEvent('booked', data));
    await bus.publish(appointmentEvent('rescheduled', moved, 2));
    const countFor = async (caller: Omit<VerifiedCaller, 'id'>) =>
      (await createMessageStore(database).list({ id: 'ana', ...caller }, data.appointmentId)).items.length;
    expect(await countFor({ role: 'patient', patientIds: [newId(), data.patientId] })).toBe(2);
    expect(await countFor({ role: 'doctor', patientIds: [], doctorId: moved.doctorId })).toBe(2);
    expect(await countFor({ role: 'front-desk', patientIds: [] })).toBe(2);
    for (const patientIds of [[], [newId()]]) expect(await countFor({ role: 'patient', patientIds })).toBe(0);
    for (const doctor of [{}, { doctorId: newId() }, { doctorId: data.doctorId }])
      expect(await countFor({ role: 'doctor', patientIds: [data.patientId], ...doctor })).toBe(0);
  });
});

describe('the messages about an appointment of a merged patient', () => {
  /** Starts with an appointment that is moved from one record to another. */
  async function startMoved() {
    const notifications = await startNotifications();
    const data = appointmentData();
    const moved = { ...data, patientId: newId() };
    const { bus } = notifications;
    return {
      ...notifications,
      data,
      moved,
      booked: () => bus.publish(appointmentEvent('booked', data)),
      merged: (sequence = 2) => bus.publish(appointmentEvent('patient-merged', moved, sequence)),
      unmerged: (sequence = 3) => bus.publish(appointmentEvent('patient-unmerged', data, sequence)),
    };
  }

  it('go to the record that stays, and return after an unmerge', async () => {
    const { data, moved, booked, merged, unmerged, recipients } = await startMoved();
    await booked();
    await merged();
    expect(await recipients(data.appointmentId)).toEqual([moved.patientId]);
    await unmerged();
    expect(await recipients(data.appointmentId)).toEqual([data.patientId]);
  });

  it('do not report the merge itself', async () => {
    const { data, booked, merged, messages, parked } = await startMoved();
    await booked();
    await merged();
    expect((await messages(data.appointmentId)).map(({ kind }) => kind)).toEqual(['booked']);
    expect(await parked()).toEqual([]);
  });

  it('go there as well when their event comes after that of the merge', async () => {
    const { data, moved, booked, merged, bus, recipients } = await startMoved();
    await merged(3);
    await booked();
    await bus.publish(appointmentEvent('rescheduled', data, 2));
    expect(await recipients(data.appointmentId)).toEqual([moved.patientId, moved.patientId]);
  });

  it('stay where the newest event puts them, in whatever order events come', async () => {
    const { data, booked, merged, unmerged, recipients } = await startMoved();
    await booked();
    await unmerged();
    await merged();
    expect(await recipients(data.appointmentId)).toEqual([data.patientId]);
  });

  it('of other appointments stay where they are', async () => {
    const { booked, merged, bus, recipients } = await startMoved();
    const other = appointmentData();
    await bus.publish(appointmentEvent('booked', other));
    await booked();
    await merged();
    expect(await recipients(other.appointmentId)).toEqual([other.patientId]);
  });
});

describe('an event that cannot be understood', () => {
  it('is parked and stops no other', async () => {
    const { bus, messages, parked } = await startNotifications();
    const data = appointmentData();
    const bad = malformed(appointmentEvent('booked', data));
    await bus.publish(bad);
    await bus.publish(appointmentEvent('cancelled', data, 2));
    expect((await messages(data.appointmentId)).map(({ kind }) => kind)).toEqual(['cancelled']);
    const [kept, ...others] = await parked();
    expect(others).toEqual([]);
    expect(kept).toMatchObject({ consumer: 'notification.messages', reason: 'Error' });
    expect(JSON.parse(kept?.event ?? '')).toEqual(bad);
  });

  it('is parked once when it comes again', async () => {
    const { bus, parked } = await startNotifications();
    const bad = malformed(appointmentEvent('booked', appointmentData()));
    await bus.publish(bad);
    await bus.publish(bad);
    expect(await parked()).toHaveLength(1);
  });
});
