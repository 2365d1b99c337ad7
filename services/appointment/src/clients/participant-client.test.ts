import { newId } from '@daybook/database';
import type { AuthorizedClient } from '@daybook/service';
import { describe, expect, it } from 'vitest';
import { at, UNKNOWN_ID } from '../testing.ts';
import { createParticipantClient } from './participant-client.ts';

const context = { caller: { id: 'desk', role: 'front-desk', patientIds: [] } } as const;
const range = { start: at('2026-11-03T14:00:00.000Z'), end: at('2026-11-03T14:30:00.000Z') };
const availability = {
  doctorId: UNKNOWN_ID,
  version: 7,
  timeZone: 'America/New_York',
  active: true,
  items: [{ start: '2026-11-03T14:00:00.000Z', end: '2026-11-03T14:30:00.000Z' }],
};

/** Returns a client that records its requests and always returns the same response. */
function clientThatResponds(status: number, body: unknown) {
  const requests: { path: string; headers: Readonly<Record<string, string>> | undefined }[] = [];
  const client: AuthorizedClient = {
    async get(path, options) {
      requests.push({ path, headers: options?.headers });
      return { status, headers: {}, body };
    },
  };
  return { client, requests };
}

/** Returns a client with `count` doctors, 100 a page, as the doctor service returns them. */
function clientWithDoctors(count: number) {
  const ids = Array.from({ length: count }, () => newId());
  const requests: string[] = [];
  const resource = (doctorId: string) => ({ ...availability, doctorId });
  const client: AuthorizedClient = {
    async get(path) {
      requests.push(path);
      const from = Number(new URL(path, 'http://doctors').searchParams.get('cursor') ?? 0);
      const items = ids.slice(from, from + 100).map(resource);
      const more = from + 100 < count && { nextCursor: String(from + 100) };
      return { status: 200, headers: {}, body: { items, ...more } };
    },
  };
  return { client, requests, ids };
}

const nothing = clientThatResponds(404, undefined).client;

describe('the participant client', () => {
  it('reads the open intervals of a doctor as instants', async () => {
    const doctors = clientThatResponds(200, availability);
    const participants = createParticipantClient(nothing, doctors.client);
    expect(await participants.findDoctor(UNKNOWN_ID, range, context)).toEqual({
      id: UNKNOWN_ID,
      version: 7,
      timeZone: 'America/New_York',
      active: true,
      open: [range],
    });
    const query = 'from=2026-11-03T14%3A00%3A00.000Z&to=2026-11-03T14%3A30%3A00.000Z';
    expect(doctors.requests[0]?.path).toBe(`/api/v1/doctors/${UNKNOWN_ID}/availability?${query}`);
  });

  it('requests only years that can be written', async () => {
    const doctors = clientThatResponds(200, availability);
    const participants = createParticipantClient(nothing, doctors.client);
    const [first, last] = [at('0000-01-01T00:00:00+14:00'), at('9999-12-31T23:55:00.000Z')];
    await participants.findDoctor(UNKNOWN_ID, { start: first, end: first + 1_800_000 }, context);
    await participants.findDoctor(UNKNOWN_ID, { start: last, end: last + 1_800_000 }, context);
    expect(doctors.requests.map(({ path }) => decodeURIComponent(path.replace(/.*\?/, '')))).toEqual([
      'from=0000-01-01T00:00:00.000Z&to=0000-01-01T00:00:00.000Z',
      'from=9999-12-31T23:55:00.000Z&to=9999-12-31T23:59:59.999Z',
    ]);
  });

  it('never takes the doctors of a specialty for a doctor, though a specialty may look like an id', async () => {
    const pendingResponses: (() => void)[] = [];
    const doctors: AuthorizedClient = {
      async get(path) {
        await new Promise<void>((resolve) => pendingResponses.push(resolve));
        return { status: 200, headers: {}, body: path.includes('specialty') ? { items: [] } : availability };
      },
    };
    const participants = createParticipantClient(nothing, doctors);
    const searches = [
      participants.findDoctors(UNKNOWN_ID, range, context),
      participants.findDoctors(UNKNOWN_ID, range, context),
    ];
    const found = participants.findDoctor(UNKNOWN_ID, range, context);
    const all = Promise.all([...searches, found]);
    const timer = setInterval(() => pendingResponses.splice(0).forEach((respond) => void respond()), 1);
    await all;
    clearInterval(timer);
    expect(await found).toMatchObject({ id: UNKNOWN_ID });
  });

  it('requests of a patient only what it needs', async () => {
    const eligibility = { id: UNKNOWN_ID, active: false, version: 3, replacedBy: UNKNOWN_ID };
    const patients = clientThatResponds(200, eligibility);
    expect(await createParticipantClient(patients.client, nothing).findPatient(UNKNOWN_ID, context)).toEqual(
      eligibility,
    );
    expect(patients.requests[0]?.path).toBe(`/api/v1/patients/${UNKNOWN_ID}/eligibility`);
  });

  it('finds no participant that the other service does not have', async () => {
    const participants = createParticipantClient(nothing, nothing);
    expect(await participants.findPatient(UNKNOWN_ID, context)).toBeUndefined();
    expect(await participants.findDoctor(UNKNOWN_ID, range, context)).toBeUndefined();
    expect(await participants.findDoctors('surgery', range, context)).toEqual([]);
  });

  it('fails as service-unavailable when the other service returns a refusal', async () => {
    const { client } = clientThatResponds(422, { code: 'range-too-long' });
    const unavailable = { code: 'service-unavailable', extras: { retryAfterSeconds: 1 } };
    await expect(createParticipantClient(client, client).findDoctor(UNKNOWN_ID, range, context)).rejects.toMatchObject(
      unavailable,
    );
  });

  it('does not accept a response that does not match its schema', async () => {
    const { client } = clientThatResponds(200, { active: 'yes' });
    await expect(createParticipantClient(client, client).findPatient(UNKNOWN_ID, context)).rejects.toThrow();
    await expect(createParticipantClient(client, client).findDoctor(UNKNOWN_ID, range, context)).rejects.toThrow();
  });

  it('passes the trace of the request on', async () => {
    const doctors = clientThatResponds(200, availability);
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    await createParticipantClient(nothing, doctors.client).findDoctor(UNKNOWN_ID, range, { ...context, traceparent });
    expect(doctors.requests[0]?.headers).toEqual({ traceparent });
  });

  it('follows the pages of the doctors of a specialty', async () => {
    const doctors = clientWithDoctors(250);
    const found = await createParticipantClient(nothing, doctors.client).findDoctors('surgery', range, context);
    expect(found.map(({ id }) => id)).toEqual(doctors.ids);
    expect(doctors.requests[0]).toMatch(/^\/api\/v1\/availability\?specialty=surgery&from=\S+&to=\S+&limit=100$/);
    expect(doctors.requests).toHaveLength(3);
  });

  it('reads the first 500 doctors of a specialty and requests no more', async () => {
    const doctors = clientWithDoctors(700);
    const found = await createParticipantClient(nothing, doctors.client).findDoctors('surgery', range, context);
    expect(found.map(({ id }) => id)).toEqual(doctors.ids.slice(0, 500));
    expect(doctors.requests).toHaveLength(5);
  });
});
