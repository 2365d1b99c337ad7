import type { NewPatient } from '@daybook/contracts';
import { describe, expect, it } from 'vitest';
import { ana, readProblem, startPatients } from '../testing.ts';

const UNKNOWN_ID = '01890000-0000-7000-8000-000000000000';

const everything = {
  ...ana,
  gender: 'female',
  email: 'ana@example.org',
  phone: '+15551234567',
  address: { lines: ['12 Main St'], city: 'Boston', region: 'MA', postalCode: '02118', country: 'US' },
  identifiers: [{ system: 'urn:mrn', value: 'A-17' }],
  language: 'pt-BR',
  active: false,
} satisfies NewPatient;

describe('registering a patient', () => {
  it('keeps every field as it was given', async () => {
    const { call, read } = await startPatients();
    const response = await call('POST', '', everything);
    expect(response).toMatchObject({
      status: 201,
      headers: { etag: '"1"' },
      body: { ...everything, version: 1, createdAt: '2026-03-02T09:00:00.000Z', updatedAt: '2026-03-02T09:00:00.000Z' },
    });
    const id = String(response.headers.location).replace('/api/v1/patients/', '');
    expect(await read(id)).toEqual(response.body);
  });

  it('takes the largest that its schema allows, with every letter escaped', async () => {
    const { call } = await startPatients();
    const text = (length: number) => '\u00e9'.repeat(length);
    const identifiers = Array.from({ length: 20 }, (_, index) => ({
      system: `${text(198)}${10 + index}`,
      value: text(100),
    }));
    const address = { lines: Array(5).fill(text(200)), city: text(100), region: text(100), postalCode: text(20) };
    const largest = { ...everything, givenName: text(100), familyName: text(100), identifiers, address };
    const escaped = JSON.stringify(largest).replaceAll('\u00e9', String.raw`\u00e9`);
    const response = await call('POST', '', escaped, { 'content-type': 'application/json' });
    expect(response.status).toBe(201);
  });

  it('needs names and a birth date only; the patient is active', async () => {
    const { register } = await startPatients();
    expect(Object.keys(await register(ana)).sort()).toEqual(
      ['active', 'birthDate', 'createdAt', 'familyName', 'givenName', 'id', 'updatedAt', 'version'].sort(),
    );
    expect(await register(ana)).toMatchObject({ ...ana, active: true });
  });

  it('names every fault at once and stores nothing', async () => {
    const { call, find, outbox } = await startPatients();
    const response = await call('POST', '', {
      givenName: ' ',
      birthDate: '1990-02-30',
      gender: 'f',
      phone: '555 1234',
      email: 'nobody',
      language: 'portugu\u00eas',
      address: { country: 'USA', planet: 'Earth' },
      nickname: 'Nana',
    });
    expect(response).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
    const { errors } = readProblem(response.body);
    expect(new Set(errors?.map(({ pointer }) => pointer))).toEqual(
      new Set([
        '/givenName',
        '/familyName',
        '/birthDate',
        '/gender',
        '/phone',
        '/email',
        '/language',
        '/address/country',
        '/address/planet',
        '/nickname',
      ]),
    );
    expect((await find({})).items).toEqual([]);
    expect(await outbox()).toEqual([]);
  });

  it('takes a person with one name', async () => {
    const { call, names } = await startPatients();
    const { givenName: _, ...one } = { ...ana, familyName: 'Suharto' };
    const { status, body } = await call('POST', '', one);
    expect([status, body]).toMatchObject([201, one]);
    expect(body).not.toHaveProperty('givenName');
    expect(await names({ q: 'suh' })).toEqual([undefined]);
  });

  it.each([
    ['\u200bAna\u00ad Ma\u202eria ', 'Ana Maria'],
    ['علی\u200cرضا', 'علی\u200cرضا'],
    ['क्\u200dष', 'क्\u200dष'],
    ['葛\u{e0100}城', '葛\u{e0100}城'],
    ['👩\u200d⚕\ufe0f', '👩\u200d⚕\ufe0f'],
    ['An\u200dna\u200c', 'Anna'],
    ['Ana\u3164\ufeff', 'Ana'],
  ])('keeps the name %j as %j', async (written, givenName) => {
    const { register, names } = await startPatients();
    expect(await register({ ...ana, givenName: written })).toMatchObject({ givenName });
    expect(await names({ q: written })).toEqual([givenName]);
    expect(await names({ q: givenName.replaceAll(/[\u200c\u200d]/g, '') })).toEqual([givenName]);
  });

  it.each(['\u200b', '\u00ad\u202e', '\u3164', '\u2800', '\u200d\ufe0f'])('refuses %j as a name', async (name) => {
    const { call } = await startPatients();
    for (const field of ['givenName', 'familyName']) {
      const { status, body } = await call('POST', '', { ...ana, [field]: name });
      expect([status, body]).toMatchObject([400, { errors: [{ pointer: `/${field}` }] }]);
    }
  });

  it.each([
    ['+1 (555) 123-4567', '+15551234567'],
    ['+1.555.123.4567', '+15551234567'],
    ['tel:+15551234567', '+15551234567'],
    ['+49 (0)30 123456', '+4930123456'],
    ['00 351 912 345 678', '+351912345678'],
    ['\u202a+44 20 7946 0958\u202c', '+442079460958'],
    ['+٩٦٦ ٥٠ ١٢٣ ٤٥٦٧', '+966501234567'],
  ])('keeps the phone %j as %s', async (written, phone) => {
    const { call, register } = await startPatients();
    expect(await register({ ...ana, phone: written })).toMatchObject({ phone });
    const { id } = await register(ana);
    expect(await call('PATCH', `/${id}`, { phone: written })).toMatchObject({ status: 200, body: { phone } });
  });

  it.each(['555 123 4567', '+1', '+15557', '+999 123456', '+1 555 123 4567 ext. 5', '+1 555 123 4567 Ana', 'none', ''])(
    'refuses %j as a phone',
    async (phone) => {
      const { call, register } = await startPatients();
      const fault = expect.objectContaining({ pointer: '/phone' });
      const refused = { status: 400, body: { errors: expect.arrayContaining([fault]) } };
      expect(await call('POST', '', { ...ana, phone })).toMatchObject(refused);
      const { id } = await register(ana);
      expect(await call('PATCH', `/${id}`, { phone })).toMatchObject(refused);
    },
  );

  it('takes birth dates from 1850 through tomorrow, wherever tomorrow is today', async () => {
    const { call, register } = await startPatients();
    const { id } = await register(ana);
    for (const birthDate of ['1850-01-01', '1999-12-31', '2026-03-02', '2026-03-03']) {
      expect(await call('POST', '', { ...ana, birthDate })).toMatchObject({ status: 201, body: { birthDate } });
      expect(await call('PATCH', `/${id}`, { birthDate })).toMatchObject({ status: 200, body: { birthDate } });
    }
    const refused = { status: 400, body: { errors: [{ pointer: '/birthDate' }] } };
    for (const birthDate of ['1849-12-31', '0001-01-01', '2026-03-04', '9999-12-31']) {
      expect(await call('POST', '', { ...ana, birthDate })).toMatchObject(refused);
      expect(await call('PATCH', `/${id}`, { birthDate })).toMatchObject(refused);
    }
  });

  it.each(['a-17', ' A-17 ', 'A - 17', 'Ａ－１７', 'A–17', 'A-\u200b17'])(
    'takes the identifier %j for A-17',
    async (value) => {
      const { call, register, names } = await startPatients();
      await register(everything);
      const same = { ...ana, identifiers: [{ system: ' urn:mrn', value }] };
      expect(await call('POST', '', same)).toMatchObject({ status: 409, body: { code: 'identifier-taken' } });
      expect(await names({ q: value })).toEqual(['Ana']);
      const { id } = await register(ana);
      expect(await call('PATCH', `/${id}`, same)).toMatchObject({ status: 409, body: { code: 'identifier-taken' } });
    },
  );

  it.each(['A-017', 'A17', 'B-17', 'A-1-7'])('takes the identifier %j for another than A-17', async (value) => {
    const { call, register } = await startPatients();
    await register(everything);
    const other = { ...ana, identifiers: [{ system: 'urn:mrn', value }] };
    expect(await call('POST', '', { ...other, confirmedNew: true })).toMatchObject({ status: 201, body: other });
  });

  it('keeps an identifier trimmed, and once', async () => {
    const { register } = await startPatients();
    const identifiers = [' A-17 ', 'a-17', 'B 1'].map((value) => ({ system: ' urn:mrn ', value }));
    expect((await register({ ...ana, identifiers })).identifiers).toEqual([
      { system: 'urn:mrn', value: 'A-17' },
      { system: 'urn:mrn', value: 'B 1' },
    ]);
  });

  it('refuses an identifier that another patient has, and stores nothing', async () => {
    const { call, find, outbox } = await startPatients();
    await call('POST', '', everything);
    const second = { ...ana, identifiers: [{ system: 'urn:new', value: '1' }, ...everything.identifiers] };
    expect(await call('POST', '', second)).toMatchObject({ status: 409, body: { code: 'identifier-taken' } });
    expect((await find({})).items).toHaveLength(1);
    expect(await outbox()).toHaveLength(1);
    const free = { ...ana, identifiers: [{ system: 'urn:new', value: '1' }], confirmedNew: true };
    expect(await call('POST', '', free)).toMatchObject({ status: 201 });
  });

  it('takes the same value of another system', async () => {
    const { call } = await startPatients();
    await call('POST', '', everything);
    const other = { ...ana, identifiers: [{ system: 'urn:other', value: 'A-17' }], confirmedNew: true };
    expect(await call('POST', '', other)).toMatchObject({ status: 201 });
  });

  it('replays the first response for the same Idempotency-Key and registers once', async () => {
    const { call, find } = await startPatients();
    const first = await call('POST', '', ana, { 'idempotency-key': 'k1' });
    const again = await call('POST', '', ana, { 'idempotency-key': 'k1' });
    expect(again).toMatchObject({ status: 201, body: first.body, headers: { 'idempotency-replayed': 'true' } });
    expect(again.headers.location).toBe(first.headers.location);
    expect((await find({})).items).toHaveLength(1);
    expect(await call('POST', '', everything, { 'idempotency-key': 'k1' })).toMatchObject({
      status: 422,
      body: { code: 'idempotency-key-reused' },
    });
  });

  it('gives an identifier to one of many simultaneous requests for it', async () => {
    const { call, find } = await startPatients();
    const responses = await Promise.all(Array.from({ length: 10 }, () => call('POST', '', everything)));
    expect(responses.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(9).fill(409)]);
    expect((await find({})).items).toHaveLength(1);
  });

  it('takes a name in which nothing is left to search by', async () => {
    const { call } = await startPatients();
    const marks = { ...ana, givenName: '\u0301', familyName: '\u0302' };
    expect(await call('POST', '', marks)).toMatchObject({ status: 201, body: marks });
  });
});

describe('reading a patient', () => {
  it('returns 304 for the ETag of this version', async () => {
    const { call, register } = await startPatients();
    const { id } = await register(ana);
    for (const known of ['"1"', 'W/"1"', '"7", "1"', '*']) {
      expect(await call('GET', `/${id}`, undefined, { 'if-none-match': known })).toMatchObject({
        status: 304,
        headers: { etag: '"1"' },
        body: undefined,
      });
    }
    expect(await call('GET', `/${id}`, undefined, { 'if-none-match': '"2"' })).toMatchObject({ status: 200 });
  });

  it('returns 404 for an unknown patient', async () => {
    const { call } = await startPatients();
    for (const id of [UNKNOWN_ID, 'ana']) {
      expect(await call('GET', `/${id}`)).toMatchObject({ status: 404, body: { code: 'not-found' } });
    }
  });
});

describe('one patient', () => {
  it('is read without query parameters, and unknown ones are refused', async () => {
    const { call, register } = await startPatients();
    const { id } = await register(ana);
    const refused = { status: 400, body: { code: 'invalid-request', errors: [{ pointer: '/x' }] } };
    expect(await call('GET', `/${id}?x=1`)).toMatchObject(refused);
    expect(await call('PATCH', `/${id}?x=1`, { active: false })).toMatchObject(refused);
    expect(await call('POST', '?x=1', ana)).toMatchObject(refused);
    expect(await call('GET', `/${id}?`)).toMatchObject({ status: 200, headers: { etag: '"1"' } });
  });
});

describe('changing a patient', () => {
  it('changes what is named and keeps the rest', async () => {
    const { call, register, read, time } = await startPatients();
    const before = await register(everything);
    time.now = time.now.add({ hours: 1 });
    const response = await call('PATCH', `/${before.id}`, { phone: '+351912345678' });
    const after = { ...before, phone: '+351912345678', version: 2, updatedAt: '2026-03-02T10:00:00.000Z' };
    expect(response).toMatchObject({ status: 200, headers: { etag: '"2"' } });
    expect(response.body).toEqual(after);
    expect(await read(before.id)).toEqual(after);
  });

  it('changes one line of the address and removes another', async () => {
    const { call, register } = await startPatients();
    const { id } = await register(everything);
    const { body } = await call('PATCH', `/${id}`, { address: { city: 'Cambridge', region: null } });
    const { region: _, ...kept } = everything.address;
    expect(body).toHaveProperty('address', { ...kept, city: 'Cambridge' });
  });

  it('removes with null what may be missing', async () => {
    const { call, register, read } = await startPatients();
    const { id } = await register(everything);
    await call('PATCH', `/${id}`, { address: null, phone: null, email: null, gender: null, identifiers: null });
    const left = await read(id);
    for (const field of ['address', 'phone', 'email', 'gender', 'identifiers']) expect(left).not.toHaveProperty(field);
    expect(left).toMatchObject({ ...ana, language: 'pt-BR' });
  });

  it('does not remove what is needed', async () => {
    const { call, register, read } = await startPatients();
    const before = await register(ana);
    for (const field of ['familyName', 'birthDate', 'active']) {
      expect(await call('PATCH', `/${before.id}`, { [field]: null })).toMatchObject({ status: 400 });
    }
    expect(await read(before.id)).toEqual(before);
  });

  it('refuses unknown fields and those that only Daybook writes', async () => {
    const { call, register, read } = await startPatients();
    const before = await register(ana);
    for (const field of ['nickname', 'id', 'version', 'createdAt', 'updatedAt']) {
      expect(await call('PATCH', `/${before.id}`, { [field]: before.id })).toMatchObject({
        status: 400,
        body: { errors: [{ pointer: `/${field}`, message: 'is not known here' }] },
      });
    }
    expect(await read(before.id)).toEqual(before);
  });

  it('is taken as a merge patch by its own media type', async () => {
    const { call, register } = await startPatients();
    const { id } = await register(ana);
    const headers = { 'content-type': 'application/merge-patch+json' };
    expect(await call('PATCH', `/${id}`, '{"givenName":"Anna"}', headers)).toMatchObject({
      status: 200,
      body: { givenName: 'Anna' },
    });
  });

  it('refuses an identifier that another patient has, and changes nothing', async () => {
    const { call, register, read, names } = await startPatients();
    await register(everything);
    const before = await register({ ...ana, givenName: 'Bea', identifiers: [{ system: 'urn:mrn', value: 'B-1' }] });
    const patch = { givenName: 'Clara', identifiers: everything.identifiers };
    expect(await call('PATCH', `/${before.id}`, patch)).toMatchObject({
      status: 409,
      body: { code: 'identifier-taken' },
    });
    expect(await read(before.id)).toEqual(before);
    expect(await names({ q: 'Clara' })).toEqual([]);
    expect(await names({ q: 'B-1' })).toEqual(['Bea']);
  });

  it('keeps an own identifier, and gives a removed one to others', async () => {
    const { call, register } = await startPatients();
    const { id } = await register(everything);
    const { identifiers } = everything;
    expect(await call('PATCH', `/${id}`, { identifiers })).toMatchObject({ status: 200, body: { identifiers } });
    await call('PATCH', `/${id}`, { identifiers: [] });
    expect(await call('POST', '', { ...ana, identifiers, confirmedNew: true })).toMatchObject({ status: 201 });
  });

  it('is refused when it changed since it was read', async () => {
    const { call, register, read } = await startPatients();
    const { id } = await register(ana);
    const first = await call('PATCH', `/${id}`, { givenName: 'Anna' }, { 'if-match': '"1"' });
    expect(first).toMatchObject({ status: 200 });
    const stale = await call('PATCH', `/${id}`, { givenName: 'Anne' }, { 'if-match': '"1"' });
    expect(stale).toMatchObject({ status: 412, body: { code: 'precondition-failed' } });
    expect(await read(id)).toMatchObject({ givenName: 'Anna', version: 2 });
  });

  it('lets one of two changes of the same version win', async () => {
    const { call, register, read } = await startPatients();
    const { id } = await register(ana);
    const responses = await Promise.all(
      ['Anna', 'Anne'].map((givenName) => call('PATCH', `/${id}`, { givenName }, { 'if-match': '"1"' })),
    );
    expect(responses.map(({ status }) => status).sort()).toEqual([200, 412]);
    expect((await read(id)).version).toBe(2);
  });

  it('returns 404 for an unknown patient', async () => {
    const { call } = await startPatients();
    expect(await call('PATCH', `/${UNKNOWN_ID}`, {})).toMatchObject({ status: 404 });
  });
});

describe('the events of a patient', () => {
  it('describe each change in order', async () => {
    const { call, register, outbox } = await startPatients();
    const { id } = await register(ana);
    for (const patch of [{ phone: '+15551234567' }, { active: false }, { active: false }, { active: true }]) {
      await call('PATCH', `/${id}`, patch);
    }
    const events = (await outbox()).map((event): unknown => JSON.parse(event));
    const kinds = ['registered', 'updated', 'deactivated', 'updated', 'updated'];
    expect(events).toEqual(
      kinds.map((kind, index) =>
        expect.objectContaining({
          specversion: '1.0',
          type: `daybook.patient.${kind}.v1`,
          source: '/services/patient',
          subject: id,
          sequence: index + 1,
          time: '2026-03-02T09:00:00.000Z',
          data: { patientId: id },
        }),
      ),
    );
  });

  it('carry the trace of the request that caused them', async () => {
    const { call, outbox } = await startPatients();
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    await call('POST', '', ana, { traceparent: `00-${traceId}-00f067aa0ba902b7-01` });
    expect((await outbox()).join()).toContain(`00-${traceId}-`);
  });

  it('hold ids and times only', async () => {
    const { call, register, outbox } = await startPatients();
    const { id } = await register(everything);
    await call('PATCH', `/${id}`, { givenName: 'Anna', address: { city: 'Cambridge' }, active: true });
    const stored = (await outbox()).join();
    const texts = ['Ana', 'Anna', 'Silva', '1990', 'example.org', '5551234567', 'Main', 'Cambridge', 'A-17', 'female'];
    for (const text of texts) expect(stored).not.toContain(text);
  });
});
