import { newId } from '@daybook/database';
import { expect, it } from 'vitest';
import { appointmentData, appointmentEvent, startNotifications } from './testing.ts';

it('the audit trail of messages has each read by staff, with the recipients', async () => {
  const { bus, audit, become, call } = await startNotifications();
  const data = appointmentData();
  await bus.publish(appointmentEvent('booked', data));
  become({ id: 'desk', role: 'front-desk' });
  await call(`appointmentId=${data.appointmentId}`);
  await call(`appointmentId=${newId()}`);
  become({ id: 'ana', role: 'patient', patientIds: [data.patientId] });
  await call(`appointmentId=${data.appointmentId}`);
  expect(await audit()).toEqual([
    {
      action: 'record-read',
      operation: 'listNotifications',
      callerId: 'desk',
      callerRole: 'front-desk',
      patientIds: [data.patientId],
    },
  ]);
});
