/** When an instance is killed under traffic, no repeatable request fails. */
import { randomUUID } from 'node:crypto';
import { clientOf, halfHour, makeClinic, startDaybook, temporaryFolder } from '@daybook/testing';
import { expect, it } from 'vitest';
import { startTraffic, type TrafficCall } from '../support/steady-traffic.ts';

it('fails no GET and no keyed POST when one of two processes of a service is killed', async () => {
  await using folder = await temporaryFolder();
  const system = await startDaybook({ data: folder.path });
  const client = clientOf(system);
  const { doctor, patient, type } = await makeClinic(client);
  const second = await startDaybook({ data: folder.path, service: 'appointment' });

  const body = { doctorId: doctor.id, patientId: patient.id, appointmentTypeId: type.id };
  let booked = 0;
  const book: TrafficCall = async () => {
    booked += 1;
    const header = { 'idempotency-key': randomUUID() };
    const { response, error } = await client.POST('/api/v1/appointments', {
      body: { ...body, start: halfHour(booked) },
      params: { header },
    });
    return response.status === 201 ? undefined : `POST ${response.status} ${JSON.stringify(error)}`;
  };
  const read: TrafficCall = async () => {
    const query = { doctorId: doctor.id, limit: 1 };
    const { response, error } = await client.GET('/api/v1/appointments', { params: { query } });
    return response.status === 200 ? undefined : `GET ${response.status} ${JSON.stringify(error)}`;
  };
  const traffic = startTraffic([book, read, read, read]);
  const isShared = async () => (await fetch(`${second.url}/metrics`)).text();
  await expect.poll(isShared, { timeout: 20_000 }).toContain('method="POST",route="/api/v1/appointments",status="201"');
  await traffic.more(100);
  await second.end('SIGKILL');
  await traffic.more(400);
  expect(await traffic.stop()).toEqual([]);
  // Ejected immediately, and logged once, because it never returns.
  expect(system.output().match(/instance ejected/g)).toHaveLength(1);
  await system.end();
}, 90_000);
