/** Bookings and reads over the gateways, going on while something happens to the system. */
import { randomUUID } from 'node:crypto';
import { type DaybookClient, expectData } from '@daybook/client';
import { halfHour, makeClinic } from '@daybook/testing';
import { type Ask, startTraffic, type Traffic } from '../steady-traffic.ts';
import type { Door } from './door.ts';

export interface Bookings {
  readonly traffic: Traffic;
  /** What was confirmed. */
  readonly confirmed: ReadonlySet<string>;
  /** Every booking that the system has of their doctor. */
  kept(client: DaybookClient): Promise<string[]>;
}

/** Each booking is at a time of its own and has a key: it has to be confirmed, however often it is asked. */
export async function startBookings(client: DaybookClient, door: Door): Promise<Bookings> {
  const { doctor, patient, type } = await makeClinic(client);
  const wish = { doctorId: doctor.id, patientId: patient.id, appointmentTypeId: type.id };
  const confirmed = new Set<string>();
  let wished = 0;
  const book: Ask = async () => {
    wished += 1;
    const answer = await door.ask('/api/v1/appointments', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': randomUUID() },
      body: JSON.stringify({ ...wish, start: halfHour(wished) }),
    });
    if (answer.status !== 201) return `POST: ${answer.status} ${await answer.text()}`;
    const { id }: { id: string } = JSON.parse(await answer.text());
    confirmed.add(id);
    return undefined;
  };
  const read =
    (path: string): Ask =>
    async () => {
      const answer = await door.ask(path);
      const text = await answer.text();
      return answer.status === 200 ? undefined : `GET ${path}: ${answer.status} ${text}`;
    };
  const traffic = startTraffic([
    book,
    read(`/api/v1/patients/${patient.id}`),
    read(`/api/v1/doctors/${doctor.id}`),
    read(`/api/v1/appointments?doctorId=${doctor.id}&limit=1`),
    read(`/api/v1/notifications?appointmentId=${patient.id}`),
  ]);

  async function kept(reader: DaybookClient): Promise<string[]> {
    const ids: string[] = [];
    const query: { doctorId: string; limit: number; cursor?: string } = { doctorId: doctor.id, limit: 100 };
    for (;;) {
      const page = expectData(await reader.GET('/api/v1/appointments', { params: { query } }));
      ids.push(...page.items.map(({ id }) => id));
      if (page.nextCursor === undefined) return ids;
      query.cursor = page.nextCursor;
    }
  }
  return { traffic, confirmed, kept };
}
