import { newId } from '@daybook/database';
import type { ServiceClient } from '@daybook/discovery';
import { describe, expect, it } from 'vitest';
import { createDirectory } from './directory.ts';
import { at, NOBODY } from './testing.ts';

const asking = { caller: { id: 'desk', role: 'front-desk' } } as const;
const range = { start: at('2026-11-03T14:00:00.000Z'), end: at('2026-11-03T14:30:00.000Z') };
const availability = {
  doctorId: NOBODY,
  version: 7,
  timeZone: 'America/New_York',
  active: true,
  items: [{ start: '2026-11-03T14:00:00.000Z', end: '2026-11-03T14:30:00.000Z' }],
};

/** A client that keeps what it is asked and always gives the same answer. */
function clientThatAnswers(status: number, body: unknown) {
  const asked: { path: string; headers: Readonly<Record<string, string>> | undefined }[] = [];
  const client: ServiceClient = {
    async get(path, options) {
      asked.push({ path, headers: options?.headers });
      return { status, headers: {}, body };
    },
    close: async () => undefined,
  };
  return { client, asked };
}

/** A client that gives so many doctors, 100 at a time, as the doctor service does. */
function clientWithDoctors(count: number) {
  const ids = Array.from({ length: count }, () => newId());
  const asked: string[] = [];
  const resource = (doctorId: string) => ({ ...availability, doctorId });
  const client: ServiceClient = {
    async get(path) {
      asked.push(path);
      const from = Number(new URL(path, 'http://doctors').searchParams.get('cursor') ?? 0);
      const items = ids.slice(from, from + 100).map(resource);
      const more = from + 100 < count && { nextCursor: String(from + 100) };
      return { status: 200, headers: {}, body: { items, ...more } };
    },
    close: async () => undefined,
  };
  return { client, asked, ids };
}

const nothing = clientThatAnswers(404, undefined).client;

describe('the directory', () => {
  it('reads the open intervals of a doctor as instants', async () => {
    const doctors = clientThatAnswers(200, availability);
    const directory = createDirectory(nothing, doctors.client);
    expect(await directory.doctor(NOBODY, range, asking)).toEqual({
      id: NOBODY,
      version: 7,
      timeZone: 'America/New_York',
      active: true,
      open: [range],
    });
    const query = 'from=2026-11-03T14%3A00%3A00.000Z&to=2026-11-03T14%3A30%3A00.000Z';
    expect(doctors.asked[0]?.path).toBe(`/api/v1/doctors/${NOBODY}/availability?${query}`);
  });

  it('asks only for years that can be written', async () => {
    const doctors = clientThatAnswers(200, availability);
    const directory = createDirectory(nothing, doctors.client);
    const [first, last] = [at('0000-01-01T00:00:00+14:00'), at('9999-12-31T23:55:00.000Z')];
    await directory.doctor(NOBODY, { start: first, end: first + 1_800_000 }, asking);
    await directory.doctor(NOBODY, { start: last, end: last + 1_800_000 }, asking);
    expect(doctors.asked.map(({ path }) => decodeURIComponent(path.replace(/.*\?/, '')))).toEqual([
      'from=0000-01-01T00:00:00.000Z&to=0000-01-01T00:00:00.000Z',
      'from=9999-12-31T23:55:00.000Z&to=9999-12-31T23:59:59.999Z',
    ]);
  });

  it('never takes the doctors of a specialty for a doctor, though a specialty may look like an id', async () => {
    const answers: (() => void)[] = [];
    const doctors: ServiceClient = {
      async get(path) {
        await new Promise<void>((resolve) => answers.push(resolve));
        return { status: 200, headers: {}, body: path.includes('specialty') ? { items: [] } : availability };
      },
      close: async () => undefined,
    };
    const directory = createDirectory(nothing, doctors);
    const searches = [directory.doctorsOf(NOBODY, range, asking), directory.doctorsOf(NOBODY, range, asking)];
    const found = directory.doctor(NOBODY, range, asking);
    const all = Promise.all([...searches, found]);
    const answering = setInterval(() => answers.splice(0).forEach((answer) => void answer()), 1);
    await all;
    clearInterval(answering);
    expect(await found).toMatchObject({ id: NOBODY });
  });

  it('asks of a patient only what it needs to know', async () => {
    const eligibility = { id: NOBODY, active: false, version: 3, replacedBy: NOBODY };
    const patients = clientThatAnswers(200, eligibility);
    expect(await createDirectory(patients.client, nothing).patient(NOBODY, asking)).toEqual(eligibility);
    expect(patients.asked[0]?.path).toBe(`/api/v1/patients/${NOBODY}/eligibility`);
  });

  it('knows nobody whom the other service does not know', async () => {
    const directory = createDirectory(nothing, nothing);
    expect(await directory.patient(NOBODY, asking)).toBeUndefined();
    expect(await directory.doctor(NOBODY, range, asking)).toBeUndefined();
    expect(await directory.doctorsOf('surgery', range, asking)).toEqual([]);
  });

  it('says that a part is unavailable when it answers with a refusal', async () => {
    const { client } = clientThatAnswers(422, { code: 'range-too-long' });
    const unavailable = { code: 'part-unavailable', extras: { retryAfterSeconds: 1 } };
    await expect(createDirectory(client, client).doctor(NOBODY, range, asking)).rejects.toMatchObject(unavailable);
  });

  it('does not take an answer that is not as described', async () => {
    const { client } = clientThatAnswers(200, { active: 'yes' });
    await expect(createDirectory(client, client).patient(NOBODY, asking)).rejects.toThrow();
    await expect(createDirectory(client, client).doctor(NOBODY, range, asking)).rejects.toThrow();
  });

  it('passes the trace of the request on', async () => {
    const doctors = clientThatAnswers(200, availability);
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    await createDirectory(nothing, doctors.client).doctor(NOBODY, range, { ...asking, traceparent });
    expect(doctors.asked[0]?.headers).toEqual({ traceparent });
  });

  it('follows the pages of the doctors of a specialty', async () => {
    const doctors = clientWithDoctors(250);
    const found = await createDirectory(nothing, doctors.client).doctorsOf('surgery', range, asking);
    expect(found.map(({ id }) => id)).toEqual(doctors.ids);
    expect(doctors.asked[0]).toMatch(/^\/api\/v1\/availability\?specialty=surgery&from=\S+&to=\S+&limit=100$/);
    expect(doctors.asked).toHaveLength(3);
  });

  it('knows the first 500 doctors of a specialty and asks for no more', async () => {
    const doctors = clientWithDoctors(700);
    const found = await createDirectory(nothing, doctors.client).doctorsOf('surgery', range, asking);
    expect(found.map(({ id }) => id)).toEqual(doctors.ids.slice(0, 500));
    expect(doctors.asked).toHaveLength(5);
  });
});
