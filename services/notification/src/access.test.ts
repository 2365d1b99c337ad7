/** Each operation of this service with each role, for messages to own and to foreign patients and doctors. */
import { accessOperations } from '@daybook/contracts';
import { newId } from '@daybook/database';
import {
  callersOf,
  expectedOutcome,
  type MaybeCaller,
  operationsOf,
  outcomeOf,
  rawResponse,
} from '@daybook/service/testing';
import { describe, expect, it } from 'vitest';
import { NAME } from './app.ts';
import { appointmentData, appointmentEvent, startNotifications } from './testing.ts';

const API = '/api/v1/notifications';

it('each operation of the service has a row in the access table', async () => {
  const { app } = await startNotifications();
  const operations = await operationsOf(app);
  expect(operations.toSorted()).toEqual(['listNotifications', 'listParkedEvents', 'resendParkedEvent']);
  expect(operations.filter((id) => !accessOperations.includes(id))).toEqual([]);
});

it('messages are for the callers that the access table names', async () => {
  const { app, bus, messages } = await startNotifications();
  const [own, foreign] = [appointmentData(), appointmentData()];
  for (const data of [own, foreign]) await bus.publish(appointmentEvent('booked', data));
  const records = { patient: { patientIds: [own.patientId] }, doctor: { doctorId: own.doctorId } };
  for (const { appointmentId } of [own, foreign]) {
    const [listed = ''] = (await messages(appointmentId)).map(({ id }) => id);
    for (const caller of callersOf('listNotifications', records)) {
      const request = { method: 'GET', url: `${API}?appointmentId=${appointmentId}`, listed } as const;
      const expected = expectedOutcome('listNotifications', caller, appointmentId === own.appointmentId);
      expect([caller, await outcomeOf(app, NAME, caller, request)]).toEqual([caller, expected]);
    }
  }
});

it.each([
  ['listParkedEvents', 'GET', '/api/v1/admin/parked-events'],
  ['resendParkedEvent', 'POST', `/api/v1/admin/parked-events/notification.messages/${newId()}/resend`],
] as const)('%s is for the callers that the access table names', async (operation, method, url) => {
  const { app } = await startNotifications();
  for (const caller of callersOf(operation, {})) {
    const outcome = await outcomeOf(app, NAME, caller, { method, url });
    const expected = expectedOutcome(operation, caller, true);
    // There is no parked event of this id.
    const isMissing = expected === 'allowed' && operation === 'resendParkedEvent';
    expect([caller, outcome]).toEqual([caller, isMissing ? 'hidden' : expected]);
  }
});

describe('an account without records', () => {
  it.each<MaybeCaller>([
    { id: 'account', role: 'patient', patientIds: [] },
    { id: 'account', role: 'doctor', patientIds: [] },
  ])('of a $role reads no message', async (caller) => {
    const { app, bus } = await startNotifications();
    const data = appointmentData();
    await bus.publish(appointmentEvent('booked', data));
    const response = await rawResponse(app, NAME, caller, {
      method: 'GET',
      url: `${API}?appointmentId=${data.appointmentId}`,
    });
    expect(response).toContain('{"items":[]}');
  });
});

it('a doctor reads the messages of an appointment in the own calendar only, also after it moved to another', async () => {
  const { app, bus, messages } = await startNotifications();
  const data = appointmentData();
  const moved = { ...data, doctorId: newId() };
  await bus.publish(appointmentEvent('booked', data, 1));
  await bus.publish(appointmentEvent('rescheduled', moved, 2));
  // A visit of both doctors opens no other appointment.
  for (const { doctorId } of [data, moved])
    await bus.publish(appointmentEvent('booked', { ...appointmentData(), doctorId }));
  const listed = (await messages(data.appointmentId))[0]?.id ?? '';
  const outcomeFor = (doctorId: string) =>
    outcomeOf(
      app,
      NAME,
      { id: 'account', role: 'doctor', patientIds: [], doctorId },
      {
        method: 'GET',
        url: `${API}?appointmentId=${data.appointmentId}`,
        listed,
      },
    );
  expect([await outcomeFor(data.doctorId), await outcomeFor(moved.doctorId)]).toEqual(['hidden', 'allowed']);
});
