import { expect, it } from 'vitest';
import { appointmentData, appointmentEvent, startNotifications } from '../testing.ts';

it('an export has the messages to a patient, in pages, and is in the audit trail', async () => {
  const { bus, audit, callAt } = await startNotifications();
  const data = appointmentData();
  await bus.publish(appointmentEvent('booked', data));
  await bus.publish(appointmentEvent('cancelled', data, 2));
  await bus.publish(appointmentEvent('booked', appointmentData()));
  const { patientId } = data;
  const first = await callAt(`/export?patientId=${patientId}&limit=1`);
  expect(first).toMatchObject({
    status: 200,
    body: { items: [{ kind: 'booked', appointmentId: data.appointmentId }] },
  });
  const { nextCursor } = first.body as { nextCursor: string };
  const next = await callAt(`/export?patientId=${patientId}&limit=1&cursor=${encodeURIComponent(nextCursor)}`);
  expect(next.body).toEqual({ items: [expect.objectContaining({ kind: 'cancelled' })] });
  expect((await audit()).at(-1)).toMatchObject({ operation: 'exportMessages', patientIds: [patientId] });
});

it('an export needs a sign-in of the last 10 minutes, of an administrator', async () => {
  const { callAt, become } = await startNotifications();
  const path = `/export?patientId=${appointmentData().patientId}`;
  become({ id: 'root', role: 'administrator', authenticatedAt: Math.floor(Date.now() / 1_000) - 601 });
  expect(await callAt(path)).toMatchObject({ status: 403, body: { code: 'recent-sign-in-required' } });
  become({ id: 'desk', role: 'front-desk' });
  expect(await callAt(path)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
});
