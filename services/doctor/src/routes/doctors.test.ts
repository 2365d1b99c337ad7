import type { NewDoctor } from '@daybook/contracts';
import { describe, expect, it } from 'vitest';
import { createDoctorStore } from '../store/doctors.ts';
import { noor, readProblem, startDoctors, UNKNOWN_ID } from '../testing.ts';

const everything = {
  ...noor,
  specialties: ['general-practice', 'cardiology'],
  email: 'noor@example.org',
  phone: '+15551234567',
  languages: ['en', 'ar'],
  active: false,
} satisfies NewDoctor;

const named = (givenName: string, familyName: string, more: Partial<NewDoctor> = {}): NewDoctor => ({
  ...noor,
  givenName,
  familyName,
  ...more,
});

describe('registering a doctor', () => {
  it('keeps every field as it was given', async () => {
    const { call, read } = await startDoctors();
    const response = await call('POST', '', everything);
    expect(response).toMatchObject({
      status: 201,
      headers: { etag: '"1"' },
      body: { ...everything, version: 1, createdAt: '2026-03-02T09:00:00.000Z', updatedAt: '2026-03-02T09:00:00.000Z' },
    });
    const id = String(response.headers.location).replace('/api/v1/doctors/', '');
    expect(await read(id)).toEqual(response.body);
  });

  it('needs a family name and a zone only; the doctor is active', async () => {
    const { register } = await startDoctors();
    expect(await register(noor)).toMatchObject({ ...noor, specialties: [], languages: [], active: true });
    const { givenName: _, ...one } = noor;
    expect(await register(one)).not.toHaveProperty('givenName');
  });

  it('names every fault at once and stores nothing', async () => {
    const { call, find, outbox } = await startDoctors();
    const response = await call('POST', '', {
      familyName: 'Haddad\u0000',
      timeZone: '+05:00',
      specialties: ['General Practice'],
      languages: ['en', 'en'],
      email: 'nobody',
      phone: '1',
      title: 'Dr',
    });
    expect(response).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
    expect(new Set(readProblem(response.body).errors?.map(({ pointer }) => pointer))).toEqual(
      new Set(['/familyName', '/timeZone', '/specialties/0', '/languages', '/email', '/phone', '/title']),
    );
    expect((await find({})).items).toEqual([]);
    expect(await outbox()).toEqual([]);
  });

  it('replays the first response for the same Idempotency-Key and registers once', async () => {
    const { call, find } = await startDoctors();
    const first = await call('POST', '', noor, { 'idempotency-key': 'k1' });
    const again = await call('POST', '', noor, { 'idempotency-key': 'k1' });
    expect(again).toMatchObject({ status: 201, body: first.body, headers: { 'idempotency-replayed': 'true' } });
    expect((await find({})).items).toHaveLength(1);
  });

  it('keeps a phone in E.164 and names without what cannot be seen', async () => {
    const { call, register } = await startDoctors();
    const written = { ...noor, givenName: '\u202eNo\u200bor ', phone: '+1 (555) 123-4567' };
    const { id, ...kept } = await register(written);
    expect(kept).toMatchObject({ givenName: 'Noor', phone: '+15551234567' });
    const patch = { familyName: 'Had\u00addad', phone: '00351 912 345 678' };
    const { body } = await call('PATCH', `/${id}`, patch);
    expect(body).toMatchObject({ familyName: 'Haddad', phone: '+351912345678' });
  });

  it('takes a name in which nothing is left to search by', async () => {
    const { call } = await startDoctors();
    expect(await call('POST', '', named('\u0301', '\u0302'))).toMatchObject({ status: 201 });
  });
});

describe('the appointment types that a doctor offers', () => {
  const [one, other] = ['018f0000-0000-7000-8000-00000000000a', '018f0000-0000-7000-8000-00000000000b'];
  const range = 'from=2026-03-02T00:00:00.000Z&to=2026-03-03T00:00:00.000Z';

  it('are kept, changed and taken away, and each change is an event', async () => {
    const { register, call, read, outbox } = await startDoctors();
    const { id, ...doctor } = await register({ ...noor, appointmentTypeIds: [one, other.toUpperCase()] });
    expect(doctor.appointmentTypeIds).toEqual([one, other]);
    expect(await read(id)).toMatchObject({ appointmentTypeIds: [one, other] });
    await call('PATCH', `/${id}`, { appointmentTypeIds: [] });
    expect(await read(id)).toMatchObject({ appointmentTypeIds: [], version: 2 });
    await call('PATCH', `/${id}`, { appointmentTypeIds: [other] });
    await call('PATCH', `/${id}`, { givenName: 'Nora' });
    expect(await read(id)).toMatchObject({ appointmentTypeIds: [other], version: 4 });
    await call('PATCH', `/${id}`, { appointmentTypeIds: null });
    expect(await read(id)).not.toHaveProperty('appointmentTypeIds');
    expect(await outbox()).toHaveLength(5);
    for (const event of await outbox()) expect(event).not.toContain(other);
  });

  it('come with the availability of one doctor and of a specialty', async () => {
    const { register, call, get, addException } = await startDoctors();
    const specialties = ['eyes'];
    const some = await register({ ...noor, specialties, appointmentTypeIds: [one] });
    const none = await register({ ...noor, specialties, appointmentTypeIds: [] });
    const all = await register({ ...noor, specialties });
    await addException(some.id, {
      kind: 'extra-hours',
      start: '2026-03-02T10:00:00.000Z',
      end: '2026-03-02T11:00:00.000Z',
    });
    expect((await call('GET', `/${some.id}/availability?${range}`)).body).toMatchObject({
      appointmentTypeIds: [one],
      items: [{ start: '2026-03-02T10:00:00.000Z' }],
    });
    expect((await call('GET', `/${none.id}/availability?${range}`)).body).toMatchObject({ appointmentTypeIds: [] });
    expect((await call('GET', `/${all.id}/availability?${range}`)).body).not.toHaveProperty('appointmentTypeIds');
    const found = await get(`/api/v1/availability?specialty=eyes&${range}`);
    expect(found.body).toMatchObject({
      items: [
        { doctorId: some.id, appointmentTypeIds: [one] },
        { doctorId: none.id, appointmentTypeIds: [] },
        { doctorId: all.id },
      ],
    });
  });

  it('are refused when they are not ids, named twice, or too many', async () => {
    const { register, call } = await startDoctors();
    const { id } = await register();
    const many = Array.from(
      { length: 201 },
      (_, index) => `018f0000-0000-7000-8000-${String(index).padStart(12, '0')}`,
    );
    for (const appointmentTypeIds of [['x'], [one, one], many, one]) {
      expect(await call('PATCH', `/${id}`, { appointmentTypeIds })).toMatchObject({ status: 400 });
      expect(await call('POST', '', { ...noor, appointmentTypeIds })).toMatchObject({ status: 400 });
    }
  });
});

describe('reading and changing a doctor', () => {
  it('returns 304 for the ETag of this version', async () => {
    const { call, register } = await startDoctors();
    const { id } = await register();
    expect(await call('GET', `/${id}`, undefined, { 'if-none-match': '"1"' })).toMatchObject({ status: 304 });
    await call('PATCH', `/${id}`, { givenName: 'Nora' });
    expect(await call('GET', `/${id}`, undefined, { 'if-none-match': '"1"' })).toMatchObject({
      status: 200,
      headers: { etag: '"2"' },
    });
  });

  it('changes what is named, removes with null, keeps the rest', async () => {
    const { call, register, read, time } = await startDoctors();
    const before = await register(everything);
    time.now = time.now.add({ hours: 1 });
    const { body } = await call('PATCH', `/${before.id}`, { email: null, specialties: ['surgery'], active: true });
    const { email: _, ...kept } = before;
    const after = {
      ...kept,
      specialties: ['surgery'],
      active: true,
      version: 2,
      updatedAt: '2026-03-02T10:00:00.000Z',
    };
    expect(body).toEqual(after);
    expect(await read(before.id)).toEqual(after);
  });

  it('refuses unknown fields and the removal of needed ones', async () => {
    const { call, register, read } = await startDoctors();
    const before = await register();
    for (const patch of [
      { title: 'Dr' },
      { version: 9 },
      { timeZone: null },
      { specialties: null },
      { active: null },
    ]) {
      expect(await call('PATCH', `/${before.id}`, patch)).toMatchObject({ status: 400 });
    }
    expect(await read(before.id)).toEqual(before);
  });

  it('is refused when it changed since it was read', async () => {
    const { call, register, read } = await startDoctors();
    const { id } = await register();
    await call('PATCH', `/${id}`, { givenName: 'Nora' }, { 'if-match': '"1"' });
    expect(await call('PATCH', `/${id}`, { givenName: 'Nina' }, { 'if-match': '"1"' })).toMatchObject({
      status: 412,
      body: { code: 'precondition-failed' },
    });
    expect((await read(id)).givenName).toBe('Nora');
  });

  it('returns 404 for an unknown doctor', async () => {
    const { call } = await startDoctors();
    for (const id of [UNKNOWN_ID, 'noor']) {
      expect(await call('GET', `/${id}`)).toMatchObject({ status: 404, body: { code: 'not-found' } });
      expect(await call('PATCH', `/${id}`, {})).toMatchObject({ status: 404 });
    }
  });
});

describe('the events of a doctor', () => {
  it('describe each change, hours included, in order', async () => {
    const { call, register, outbox } = await startDoctors();
    const { id } = await register();
    const hours = { timeZone: 'Europe/Lisbon', weeklyHours: [] };
    await call('PATCH', `/${id}`, { phone: '+15551234567' });
    await call('PUT', `/${id}/schedule`, hours);
    await call('PATCH', `/${id}`, { active: false });
    await call('PUT', `/${id}/schedule`, hours);
    await call('PATCH', `/${id}`, { active: true });
    const kinds = ['registered', 'updated', 'schedule-changed', 'deactivated', 'schedule-changed', 'updated'];
    expect((await outbox()).map((event): unknown => JSON.parse(event))).toEqual(
      kinds.map((kind, index) =>
        expect.objectContaining({
          specversion: '1.0',
          type: `daybook.doctor.${kind}.v1`,
          source: '/services/doctor',
          subject: id,
          sequence: index + 1,
          time: '2026-03-02T09:00:00.000Z',
          data: { doctorId: id },
        }),
      ),
    );
  });

  it('name the doctor by the same id, however the request wrote it', async () => {
    const { call, register, outbox } = await startDoctors();
    const { id } = await register();
    await call('PUT', `/${id.toUpperCase()}/schedule`, { timeZone: 'UTC', weeklyHours: [] });
    const [, event = ''] = await outbox();
    expect(JSON.parse(event)).toMatchObject({ subject: id, data: { doctorId: id } });
  });

  it('hold ids and times only', async () => {
    const { call, register, outbox } = await startDoctors();
    const { id } = await register(everything);
    await call('PATCH', `/${id}`, { givenName: 'Nora' });
    const stored = (await outbox()).join();
    for (const text of ['Noor', 'Nora', 'Haddad', 'example.org', '5551234567', 'cardiology', 'New_York']) {
      expect(stored).not.toContain(text);
    }
  });
});

describe('the search for doctors', () => {
  it.each([
    ['the given name', 'Zoë'],
    ['the beginning of the family name', 'müll'],
    ['both names', 'Zoë Müller'],
    ['both names, family name first', 'müller zoë'],
    ['a name without its accents', 'ZOE MULLER'],
    ['parts of both names in any order, with a comma', 'Mull, Zo'],
    ['a name as ASCII writes it', 'oerlikon'],
  ])('finds by %s', async (_what, q) => {
    const { register, names } = await startDoctors();
    await register(named('Zoë', 'Müller-Œrlikon'));
    await register(named('Ben', 'Costa'));
    expect(await names({ q })).toEqual(['Zoë']);
  });

  it('takes signs with a meaning in databases as they are written', async () => {
    const { register, names } = await startDoctors();
    await register(named('Noor', 'Haddad'));
    await register(named('Percent', '%x'));
    await register(named('Underscore', '_x'));
    await register(named('Backslash', '\\x'));
    expect(await names({ q: '%' })).toEqual(['Percent']);
    expect(await names({ q: '_' })).toEqual(['Underscore']);
    expect(await names({ q: '\\' })).toEqual(['Backslash']);
    expect(await names({ q: 'N%' })).toEqual([]);
  });

  it('finds by specialty and by activity, alone and together', async () => {
    const { register, names } = await startDoctors();
    await register(named('Ana', 'Silva', { specialties: ['surgery', 'cardiology'] }));
    await register(named('Bea', 'Silva', { specialties: ['cardiology'], active: false }));
    await register(named('Cem', 'Aydin'));
    expect(await names({ specialty: 'cardiology' })).toEqual(['Ana', 'Bea']);
    expect(await names({ specialty: 'cardio' })).toEqual([]);
    expect(await names({ active: 'true' })).toEqual(['Ana', 'Cem']);
    expect(await names({ active: 'false' })).toEqual(['Bea']);
    expect(await names({ specialty: 'cardiology', active: 'true', q: 'silva' })).toEqual(['Ana']);
    expect(await names({ specialty: 'surgery', q: 'aydin' })).toEqual([]);
  });

  it('follows a change of name, specialty and activity', async () => {
    const { call, register, names } = await startDoctors();
    const { id } = await register(named('Ana', 'Silva', { specialties: ['surgery'] }));
    await call('PATCH', `/${id}`, { familyName: 'Costa', specialties: ['cardiology'], active: false });
    expect(await names({ q: 'silva' })).toEqual([]);
    expect(await names({ specialty: 'surgery' })).toEqual([]);
    expect(await names({ active: 'true' })).toEqual([]);
    expect(await names({ q: 'costa', specialty: 'cardiology', active: 'false' })).toEqual(['Ana']);
  });

  it.each(['\u00b4', '\u0301', '\u00a8 '])('finds no doctor by a lone accent', async (q) => {
    const { register, find } = await startDoctors();
    await register();
    expect(await find({ q })).toEqual({ items: [] });
  });

  it('refuses what is not a search', async () => {
    const { call } = await startDoctors();
    for (const query of [
      'q=',
      'active=maybe',
      'specialty=General%20Practice',
      'limit=101',
      'cursor=x',
      'cursor=WyJhbmEiXQ',
      'name=Ana',
    ]) {
      expect(await call('GET', `?${query}`)).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
    }
  });

  it('shows every doctor who was there once, while others are registered', async () => {
    const { register, find } = await startDoctors();
    const there: string[] = [];
    for (let count = 0; count < 9; count += 1) there.push((await register()).id);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await find({ active: 'true', limit: '2', ...(cursor !== undefined && { cursor }) });
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
      if (seen.length < 9) await register();
    } while (cursor !== undefined);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual(expect.arrayContaining(there));
  });

  it('is for patients as well; registering is not', async () => {
    const { database, time, register } = await startDoctors();
    const { id } = await register();
    const store = createDoctorStore(database, () => time.now);
    const patient = { id: 'somebody', role: 'patient', patientIds: [] } as const;
    expect((await store.search(patient, {})).items).toHaveLength(1);
    expect(await store.find(patient, id)).toMatchObject({ id });
    await expect(
      store.register(patient, noor, { storeResponse: async () => undefined, checkVersion: () => undefined }),
    ).rejects.toMatchObject({
      code: 'forbidden',
    });
  });
});
