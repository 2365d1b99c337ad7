/** Makes bookings and reads through the gateways while the system changes. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type DaybookClient, expectData } from '@daybook/client';
import { halfHour, makeClinic } from '@daybook/testing';
import { startTraffic, type Traffic, type TrafficCall } from '../support/steady-traffic.ts';
import type { GatewayClient } from './gateway-client.ts';

export interface Bookings {
  readonly traffic: Traffic;
  /** The confirmed bookings. */
  readonly confirmed: ReadonlySet<string>;
  /** Returns every booking that the system has for their doctor. */
  listStored(client: DaybookClient): Promise<string[]>;
}

/** Leaves the processor to the containers, because a machine may have two cores for all of them. */
const PAUSE_MILLIS = 150;

const KEY_IN_USE_ATTEMPTS = 20;

/**
 * Sends a POST with a key. A connection may be lost while its request is still running. The key is in use for that
 * long, and a client that repeats the request waits for the first one to end.
 */
async function sendKeyed(
  gateways: GatewayClient,
  path: string,
  body: object,
): Promise<{ status: number; text: string }> {
  const headers = { 'content-type': 'application/json', 'idempotency-key': randomUUID() };
  const request = { method: 'POST', headers, body: JSON.stringify(body) };
  for (let attempt = 1; ; attempt += 1) {
    const response = await gateways.fetch(path, request);
    const text = await response.text();
    const isInUse = response.status === 409 && text.includes('"code":"idempotency-key-in-use"');
    if (!isInUse || attempt === KEY_IN_USE_ATTEMPTS) return { status: response.status, text };
    await sleep(500);
  }
}

/** Starts the traffic. Each booking has its own time and key, so every one must be confirmed after any retries. */
export async function startBookings(client: DaybookClient, gateways: GatewayClient): Promise<Bookings> {
  const { doctor, patient, type } = await makeClinic(client);
  const booking = { doctorId: doctor.id, patientId: patient.id, appointmentTypeId: type.id };
  const confirmed = new Set<string>();
  let requested = 0;
  const book: TrafficCall = async () => {
    requested += 1;
    const response = await sendKeyed(gateways, '/api/v1/appointments', { ...booking, start: halfHour(requested) });
    if (response.status !== 201) return `POST: ${response.status} ${response.text}`;
    const { id }: { id: string } = JSON.parse(response.text);
    confirmed.add(id);
    return undefined;
  };
  const read =
    (path: string): TrafficCall =>
    async () => {
      const response = await gateways.fetch(path);
      const text = await response.text();
      return response.status === 200 ? undefined : `GET ${path}: ${response.status} ${text}`;
    };
  const traffic = startTraffic(
    [
      book,
      read(`/api/v1/patients/${patient.id}`),
      read(`/api/v1/doctors/${doctor.id}`),
      read(`/api/v1/appointments?doctorId=${doctor.id}&limit=1`),
      read(`/api/v1/notifications?appointmentId=${patient.id}`),
    ],
    PAUSE_MILLIS,
  );

  async function listStored(reader: DaybookClient): Promise<string[]> {
    const ids: string[] = [];
    const query: { doctorId: string; limit: number; cursor?: string } = { doctorId: doctor.id, limit: 100 };
    for (;;) {
      const page = expectData(await reader.GET('/api/v1/appointments', { params: { query } }));
      ids.push(...page.items.map(({ id }) => id));
      if (page.nextCursor === undefined) return ids;
      query.cursor = page.nextCursor;
    }
  }
  return { traffic, confirmed, listStored };
}
