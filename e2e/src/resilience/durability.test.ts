/** Confirmed changes and their events survive the end of the process at any moment. */
import { type DaybookClient, expectData } from '@daybook/client';
import { clientOf, halfHour, makeClinic, temporaryFolder } from '@daybook/testing';
import { startDaybookOnDatabase as startDaybook } from '@daybook/testing/system-database';
import { expect, it } from 'vitest';

const messagesOf = async (client: DaybookClient, appointmentId: string) => {
  const response = await client.GET('/api/v1/notifications', { params: { query: { appointmentId } } });
  return response.data?.items.map(({ kind }) => kind) ?? [];
};

it('keeps every confirmed booking, and publishes it once, when it is killed under load', async () => {
  await using folder = await temporaryFolder();
  const first = await startDaybook({ data: folder.path });
  const client = clientOf(first);
  const clinic = await makeClinic(client);
  const confirmed: string[] = [];
  const enough = Promise.withResolvers<void>();
  const bookings = Array.from({ length: 200 }, async (_, n) => {
    const response = await client.POST('/api/v1/appointments', {
      body: {
        patientId: clinic.patient.id,
        doctorId: clinic.doctor.id,
        appointmentTypeId: clinic.type.id,
        start: halfHour(n),
      },
    });
    if (response.data) confirmed.push(response.data.id);
    if (confirmed.length >= 20) enough.resolve();
  });
  const settled = Promise.allSettled(bookings);
  await enough.promise;
  await first.end('SIGKILL');
  await settled;

  const second = await startDaybook({ data: folder.path });
  const restarted = clientOf(second);
  for (const id of confirmed) {
    const found = expectData(await restarted.GET('/api/v1/appointments/{id}', { params: { path: { id } } }));
    expect(found.status).toBe('booked');
    await expect.poll(() => messagesOf(restarted, id), { timeout: 20_000 }).toEqual(['booked']);
  }
  await second.end();

  const third = await startDaybook({ data: folder.path });
  const later = clientOf(third);
  for (const id of confirmed) expect(await messagesOf(later, id)).toEqual(['booked']);
  await third.end();
});

it('delivers after a restart what it could not deliver before it was killed', { timeout: 90_000 }, async () => {
  await using folder = await temporaryFolder();
  const first = await startDaybook({ data: folder.path });
  const clinic = await makeClinic(clientOf(first));
  await first.end('SIGKILL');
  // One service alone, on its own registry, so that no process consumes its events.
  const registry = await startDaybook({
    data: folder.path,
    service: 'registry',
    environment: { DAYBOOK_SERVICE_PORT: '0' },
  });
  const services = [];
  for (const service of ['identity', 'patient', 'doctor']) {
    services.push(await startDaybook({ data: folder.path, service }));
  }
  const appointment = await startDaybook({ data: folder.path, service: 'appointment' });
  const { id } = expectData(
    await clientOf(appointment).POST('/api/v1/appointments', {
      body: {
        patientId: clinic.patient.id,
        doctorId: clinic.doctor.id,
        appointmentTypeId: clinic.type.id,
        start: halfHour(0),
      },
    }),
  );
  for (const service of [appointment, ...services, registry]) await service.end('SIGKILL');

  const second = await startDaybook({ data: folder.path });
  const client = clientOf(second);
  await expect.poll(() => messagesOf(client, id), { timeout: 20_000 }).toEqual(['booked']);
  await second.end();
});
