/** The operations under `/api/v1`, by role and by ownership. */
import { newId } from '@daybook/database';
import { describe, expect, it } from 'vitest';
import { startIdentity } from '../testing.ts';

const REFUSED = { status: 403, body: { code: 'forbidden' } };
const NOT_FOUND = { status: 404, body: { code: 'not-found' } };

async function startClinic() {
  const started = await startIdentity();
  const { addPerson } = started;
  const [administrator, desk, doctor, ana, bea] = [
    await addPerson('administrator', { email: 'root@example.org', displayName: 'Rosa Root' }),
    await addPerson('front-desk', { email: 'desk@example.org', displayName: 'Dario Desk' }),
    await addPerson('doctor', { email: 'noor@example.org', displayName: 'Noor Haddad', doctorId: newId() }),
    await addPerson('patient'),
    await addPerson('patient', { email: 'bea@example.org', displayName: 'Bea Costa' }),
  ];
  const people = { administrator, 'front-desk': desk, doctor, patient: ana };
  return { ...started, people, administrator, desk, doctor, ana, bea };
}

const items = ({ body }: { body: unknown }): Record<string, unknown>[] =>
  (body as { items: Record<string, unknown>[] }).items;

describe('/me', () => {
  it('is the account of the caller, with its patients and the ends of its session', async () => {
    const { ana, accounts, callAs } = await startClinic();
    const [patientId, child] = [newId(), newId()];
    await accounts.linkPatient(ana.id, { patientId, relation: 'self' });
    const endsAt = Temporal.Now.instant().round('second').add({ hours: 24 });
    await accounts.linkPatient(ana.id, { patientId: child, relation: 'guardian', endsAt });
    const { status, body } = await (await callAs(ana))('GET', '/me');
    expect([status, body]).toEqual([
      200,
      {
        id: ana.id,
        role: 'patient',
        displayName: 'Ana Silva',
        locale: 'en',
        patients: [
          { id: patientId, relation: 'self' },
          { id: child, relation: 'guardian', until: endsAt.toString({ fractionalSecondDigits: 3 }) },
        ],
        session: {
          authenticatedAt: expect.any(String),
          idleEndsAt: expect.any(String),
          endsAt: expect.any(String),
        },
      },
    ]);
  });

  it('names the doctor of a doctor, and no session of a token alone', async () => {
    const { doctor, callAs } = await startClinic();
    const { body } = await (await callAs(doctor, { hasSession: false }))('GET', '/me');
    expect(body).toMatchObject({ role: 'doctor', doctorId: expect.any(String) });
    expect(body).not.toHaveProperty('session');
  });

  it('is not renewed activity, and ends with the session, the account or its role', async () => {
    const { ana, bea, desk, accounts, callAs, advance, sessions } = await startClinic();
    const asAna = await callAs(ana);
    const [session] = await sessions.list(ana.id);
    await sessions.endByHandle(ana.id, session?.handle ?? '');
    expect(await asAna('GET', '/me')).toMatchObject(REFUSED);
    const asBea = await callAs(bea, { hasSession: false });
    await accounts.setStatus(bea.id, 'disabled');
    expect(await asBea('GET', '/me')).toMatchObject(REFUSED);
    expect(await (await callAs({ ...desk, role: 'administrator' }))('GET', '/me')).toMatchObject(REFUSED);
    const asDesk = await callAs(desk);
    advance({ minutes: 14 });
    expect((await asDesk('GET', '/me')).status).toBe(200);
    advance({ minutes: 1 });
    expect(await asDesk('GET', '/me')).toMatchObject(REFUSED);
  });
});

describe('each operation', () => {
  const id = '019c2f5e-0000-7000-8000-000000000001';
  const ok = 200;
  it.each<[string, 'GET' | 'POST' | 'PATCH' | 'DELETE', string, object | undefined, Record<string, number>]>([
    ['getMe', 'GET', '/me', undefined, { patient: ok, doctor: ok, 'front-desk': ok, administrator: ok }],
    [
      'listAccounts',
      'GET',
      '/accounts',
      undefined,
      { patient: 403, doctor: 403, 'front-desk': 403, administrator: ok },
    ],
    ['searchAudit', 'GET', '/audit', undefined, { patient: ok, doctor: 403, 'front-desk': 403, administrator: ok }],
    [
      'changeAccount',
      'PATCH',
      `/accounts/${id}`,
      { locale: 'pt' },
      { patient: 403, doctor: 403, 'front-desk': 403, administrator: 404 },
    ],
    [
      'addInvitation',
      'POST',
      '/accounts/invitations',
      { role: 'front-desk', email: 'new@example.org', displayName: 'New' },
      { patient: 403, doctor: 403, 'front-desk': 403, administrator: 201 },
    ],
    [
      'addRecoveryLink',
      'POST',
      `/accounts/${id}/recovery-links`,
      undefined,
      { patient: 403, doctor: 403, 'front-desk': 404, administrator: 404 },
    ],
    [
      'listPatientLinks',
      'GET',
      `/accounts/${id}/patients`,
      undefined,
      { patient: 404, doctor: 404, 'front-desk': 404, administrator: 404 },
    ],
    [
      'listRecordAccess',
      'GET',
      `/accounts/access?patientId=${id}`,
      undefined,
      { patient: ok, doctor: 403, 'front-desk': ok, administrator: ok },
    ],
    [
      'grantPatientLink',
      'POST',
      '/accounts/link-codes',
      { patientId: id, birthDate: '1990-02-01', relation: 'self', identityCheck: 'photo-id' },
      { patient: 403, doctor: 403, 'front-desk': 201, administrator: 201 },
    ],
    [
      'redeemPatientLink',
      'POST',
      `/accounts/${id}/patients`,
      { code: 'x', birthDate: '1990-02-01' },
      { patient: 404, doctor: 404, 'front-desk': 404, administrator: 404 },
    ],
    [
      'revokePatientLink',
      'DELETE',
      `/accounts/${id}/patients/${id}`,
      undefined,
      { patient: 404, doctor: 404, 'front-desk': 403, administrator: 404 },
    ],
    [
      'listSessions',
      'GET',
      `/accounts/${id}/sessions`,
      undefined,
      { patient: 404, doctor: 404, 'front-desk': 404, administrator: 404 },
    ],
    [
      'endSession',
      'DELETE',
      `/accounts/${id}/sessions/${'0'.repeat(64)}`,
      undefined,
      { patient: 404, doctor: 404, 'front-desk': 404, administrator: 404 },
    ],
  ])('%s is for the roles of the access table', async (_name, method, path, payload, expected) => {
    const { people, callAs, app } = await startClinic();
    const statuses: Record<string, number> = {};
    for (const [role, person] of Object.entries(people)) {
      statuses[role] = (await (await callAs(person))(method, path, payload)).status;
    }
    expect(statuses).toEqual(expected);
    const url = `/api/v1${path}`;
    const anonymous = await app.inject({ method, url, ...(payload && { payload }) });
    expect(anonymous.statusCode).toBe(401);
  });

  it('is in the API document, which has no other routes', async () => {
    const { app } = await startClinic();
    const document = (await app.inject('/openapi.json')).json<{ paths: Record<string, object> }>();
    expect(Object.keys(document.paths).every((path) => path.startsWith('/api/v1/'))).toBe(true);
    const ids = Object.values(document.paths).flatMap((path) =>
      Object.values(path).map(({ operationId }: { operationId: string }) => operationId),
    );
    expect(ids.toSorted()).toEqual(
      [
        ...[
          'addInvitation',
          'addRecoveryLink',
          'changeAccount',
          'endSession',
          'getMe',
          'grantPatientLink',
          'listAccounts',
        ],
        ...['listPatientLinks', 'listRecordAccess', 'listSessions', 'redeemPatientLink', 'revokePatientLink'],
        'searchAudit',
        ...['listParkedEvents', 'resendParkedEvent'],
      ].toSorted(),
    );
  });
});

describe('accounts', () => {
  it('are found by role, status, patient, words of the name and the beginning of the e-mail, page by page', async () => {
    const { administrator, ana, bea, accounts, callAs } = await startClinic();
    const patientId = newId();
    await accounts.linkPatient(ana.id, { patientId, relation: 'self' });
    await accounts.setStatus(bea.id, 'disabled');
    const call = await callAs(administrator);
    const names = async (query: string) =>
      items(await call('GET', `/accounts?${query}`)).map(({ displayName }) => displayName);
    expect(await names('role=patient')).toEqual(['Ana Silva', 'Bea Costa']);
    expect(await names('role=patient&status=disabled')).toEqual(['Bea Costa']);
    expect(await names('status=disabled')).toEqual(['Bea Costa']);
    expect(await names(`patientId=${patientId}`)).toEqual(['Ana Silva']);
    expect(await names('q=silv')).toEqual(['Ana Silva']);
    expect(await names('q=BEA@')).toEqual(['Bea Costa']);
    expect(await names('q=bea&status=active')).toEqual([]);
    expect(await names('q=nobody')).toEqual([]);
    const first = await call('GET', '/accounts?limit=2');
    const { nextCursor } = first.body as { nextCursor: string };
    const second = await call('GET', `/accounts?limit=2&cursor=${nextCursor}`);
    expect([...items(first), ...items(second)].map(({ displayName }) => displayName)).toEqual([
      ...['Rosa Root', 'Dario Desk', 'Noor Haddad', 'Ana Silva'],
    ]);
    expect((await call('GET', `/accounts?limit=2&role=patient&cursor=${nextCursor}`)).status).toBe(400);
  });

  it('change by a version, and a new role or status ends their sessions', async () => {
    const { administrator, desk, callAs, sessions } = await startClinic();
    const call = await callAs(administrator);
    await callAs(desk);
    const path = `/accounts/${desk.id}`;
    const named = await call('PATCH', path, { displayName: 'Dora Desk', locale: 'pt' }, { 'if-match': '"1"' });
    expect([named.status, named.headers.etag]).toEqual([200, '"2"']);
    expect(await sessions.list(desk.id)).toHaveLength(1);
    expect(items(await call('GET', '/accounts?q=dora'))).toMatchObject([{ id: desk.id, locale: 'pt', version: 2 }]);
    expect(await call('PATCH', path, { locale: 'es' }, { 'if-match': '"1"' })).toMatchObject({ status: 412 });
    expect(await call('PATCH', path, { role: 'doctor', doctorId: newId() })).toMatchObject({ status: 200 });
    expect(await sessions.list(desk.id)).toEqual([]);
    const back = await call('PATCH', path, { role: 'front-desk' });
    expect(back.body).not.toHaveProperty('doctorId');
    expect(await call('PATCH', path, { doctorId: newId() })).toMatchObject({ status: 400 });
    expect(await call('PATCH', path, { status: 'disabled' })).toMatchObject({ status: 200 });
  });

  it('of a doctor that another account belongs to is refused', async () => {
    const { administrator, desk, doctor, accounts, callAs } = await startClinic();
    const taken = (await accounts.find(doctor.id))?.doctorId;
    const change = { role: 'doctor', doctorId: taken };
    const call = await callAs(administrator);
    expect(await call('PATCH', `/accounts/${desk.id}`, change)).toMatchObject({
      status: 409,
      body: { code: 'name-taken' },
    });
  });

  it('keep one active administrator, and an administrator cannot change the own role', async () => {
    const { administrator, bea, callAs, accounts } = await startClinic();
    const call = await callAs(administrator);
    const own = `/accounts/${administrator.id}`;
    for (const change of [{ role: 'doctor' }, { status: 'disabled' }]) {
      expect(await call('PATCH', own, change)).toMatchObject({ status: 409, body: { code: 'last-administrator' } });
    }
    expect(await call('PATCH', `/accounts/${bea.id}`, { role: 'administrator' })).toMatchObject({ status: 200 });
    expect(await call('PATCH', own, { role: 'doctor' })).toMatchObject(REFUSED);
    expect(await call('PATCH', own, { displayName: 'Rosa' })).toMatchObject({ status: 200 });
    // Each removes the other.
    const asBea = await callAs({ ...bea, role: 'administrator' });
    const results = await Promise.all([
      call('PATCH', `/accounts/${bea.id}`, { status: 'disabled' }),
      asBea('PATCH', own, { status: 'disabled' }),
    ]);
    expect(results.map(({ status }) => status)).toContain(200);
    expect(await accounts.hasAdministrator()).toBe(true);
  });

  it('that are invited become active only by their person', async () => {
    const { administrator, callAs } = await startClinic();
    const call = await callAs(administrator);
    const invited = await call('POST', '/accounts/invitations', {
      ...{ role: 'patient', email: 'new@example.org', displayName: 'New Person' },
    });
    const { accountId } = invited.body as { accountId: string };
    expect(await call('PATCH', `/accounts/${accountId}`, { status: 'active' })).toMatchObject({
      body: { code: 'wrong-status' },
    });
  });
});

describe('an invitation', () => {
  const invited = { role: 'patient', email: 'new@example.org', displayName: 'New Person' };

  it('has a one-time link that sets up the account, with its patient', async () => {
    const { desk, callAs, newBrowser, accounts } = await startClinic();
    const call = await callAs(desk);
    const patient = { id: newId(), relation: 'self', identityCheck: 'photo-id' };
    const { status, body } = await call('POST', '/accounts/invitations', { ...invited, patient });
    expect([status, body]).toEqual([
      201,
      {
        accountId: expect.any(String),
        delivery: 'by-hand',
        expiresAt: expect.any(String),
        link: expect.stringMatching(/^https:\/\/daybook\.example\/identity\/link\?token=[\w-]{43}$/),
      },
    ]);
    const { accountId, link } = body as { accountId: string; link: string };
    const browser = newBrowser();
    const page = await browser.request(link);
    const done = await browser.follow(await browser.submit(page, { password: 'orange ladder beneath the clouds' }));
    expect(done.text).toContain('You are New Person');
    expect(await accounts.findClaims(accountId)).toMatchObject({ patientIds: [patient.id] });
  });

  it('that is repeated by its key stores no link, and a new one replaces the link', async () => {
    const { desk, callAs, database, newBrowser } = await startClinic();
    const call = await callAs(desk);
    const key = { 'idempotency-key': 'one' };
    const first = (await call('POST', '/accounts/invitations', invited, key)).body as { link: string };
    const token = new URL(first.link).searchParams.get('token') ?? '';
    const replayed = await call('POST', '/accounts/invitations', invited, key);
    expect(replayed.headers['idempotency-replayed']).toBe('true');
    expect(replayed.body).not.toHaveProperty('link');
    const stored = await database.read((db) => db.selectFrom('idempotency_keys').selectAll().execute());
    expect(JSON.stringify(stored)).not.toContain(token);
    const again = (await call('POST', '/accounts/invitations', invited)).body as { link: string };
    expect((await newBrowser().request(first.link)).status).toBe(410);
    expect((await newBrowser().request(again.link)).status).toBe(200);
  });

  it('for an address with an account is refused', async () => {
    const { desk, callAs } = await startClinic();
    const call = await callAs(desk);
    expect(await call('POST', '/accounts/invitations', { ...invited, email: 'ANA@example.org' })).toMatchObject({
      status: 409,
      body: { code: 'name-taken' },
    });
  });

  it('with a patient needs a recent sign-in', async () => {
    const { desk, callAs, advance } = await startClinic();
    const patient = { id: newId(), relation: 'self', identityCheck: 'photo-id' };
    const [call, byToken] = [await callAs(desk), await callAs(desk, { hasSession: false })];
    const refused = { status: 403, body: { code: 'recent-sign-in-required' } };
    expect(await byToken('POST', '/accounts/invitations', { ...invited, patient })).toMatchObject(refused);
    advance({ minutes: 11 });
    expect(await call('POST', '/accounts/invitations', { ...invited, patient })).toMatchObject(refused);
    expect(await call('POST', '/accounts/invitations', invited)).toMatchObject({ status: 201 });
  });
});

describe('a link code', () => {
  const BIRTH_DATE = '1990-02-01';

  async function startWithCode() {
    const started = await startClinic();
    const { desk, callAs } = started;
    const patientId = newId();
    const asDesk = await callAs(desk);
    const make = async (change: object = {}) => {
      const input = { patientId, birthDate: BIRTH_DATE, relation: 'self', identityCheck: 'photo-id', ...change };
      const { status, body } = await asDesk('POST', '/accounts/link-codes', input);
      expect(status).toBe(201);
      return (body as { code: string }).code;
    };
    return { ...started, patientId, asDesk, make };
  }

  it('links the record to the account of the person who enters it, once', async () => {
    const { ana, bea, callAs, make, patientId, accounts, database } = await startWithCode();
    const code = await make();
    const stored = JSON.stringify(await database.read((db) => db.selectFrom('link_codes').selectAll().execute()));
    expect(stored).not.toContain(BIRTH_DATE);
    const asAna = await callAs(ana);
    const typed = ` ${code.toLowerCase().replaceAll('-', ' ')}`;
    const linked = await asAna('POST', '/accounts/me/patients', { code: typed, birthDate: BIRTH_DATE });
    expect([linked.status, linked.body]).toEqual([201, { id: patientId, relation: 'self' }]);
    expect(await accounts.findClaims(ana.id)).toMatchObject({ patientIds: [patientId] });
    const again = await (await callAs(bea))('POST', '/accounts/me/patients', { code, birthDate: BIRTH_DATE });
    expect(again).toMatchObject({ status: 422, body: { code: 'link-code-refused' } });
  });

  it('that is wrong, used or expired, or has another birth date, is refused in the same words', async () => {
    const { ana, bea, callAs, make, advance } = await startWithCode();
    const [used, expired, right] = [await make(), await make(), await make()];
    await (await callAs(bea))('POST', '/accounts/me/patients', { code: used, birthDate: BIRTH_DATE });
    const details = new Set<unknown>();
    const enter = async (code: string, birthDate = BIRTH_DATE) => {
      const call = await callAs(ana);
      const { status, body } = await call('POST', '/accounts/me/patients', { code, birthDate });
      const { traceId, ...rest } = body as Record<string, unknown>;
      details.add(JSON.stringify([status, rest]));
    };
    for (const code of [used, 'x', '0000-0000-0000-0000']) await enter(code);
    await enter(right, '1990-02-02');
    advance({ hours: 72 });
    await enter(expired);
    expect([...details]).toHaveLength(1);
  });

  it('ends after five wrong birth dates, even with the right one', async () => {
    const { addPerson, callAs, make, advance } = await startWithCode();
    const code = await make();
    for (let count = 0; count < 5; count += 1) {
      // Another person each time, so that no pause is in the way.
      const person = await addPerson('patient', { email: `p${count}@example.org` });
      const { status } = await (await callAs(person))('POST', '/accounts/me/patients', {
        ...{ code, birthDate: '1980-01-01' },
      });
      expect(status).toBe(422);
      advance({ hours: 1 });
    }
    const person = await addPerson('patient', { email: 'right@example.org' });
    const { status } = await (await callAs(person))('POST', '/accounts/me/patients', { code, birthDate: BIRTH_DATE });
    expect(status).toBe(422);
  });

  it('is throttled by account', async () => {
    const { ana, callAs } = await startWithCode();
    const call = await callAs(ana);
    const statuses: number[] = [];
    for (let count = 0; count < 12; count += 1) {
      const { status } = await call('POST', '/accounts/me/patients', { code: `x${count}`, birthDate: BIRTH_DATE });
      statuses.push(status);
    }
    expect(statuses.slice(0, 10)).toEqual(Array(10).fill(422));
    expect(statuses.at(-1)).toBe(429);
  });

  it('for a link that has ended already is refused', async () => {
    const { asDesk, patientId } = await startWithCode();
    const input = { patientId, birthDate: BIRTH_DATE, relation: 'guardian', identityCheck: 'photo-id' };
    expect(await asDesk('POST', '/accounts/link-codes', { ...input, until: '2020-01-01T00:00:00Z' })).toMatchObject({
      status: 422,
      body: { code: 'invalid-interval' },
    });
  });

  it('needs a sign-in of the last ten minutes', async () => {
    const { asDesk, advance, patientId } = await startWithCode();
    advance({ minutes: 11 });
    const input = { patientId, birthDate: BIRTH_DATE, relation: 'self', identityCheck: 'photo-id' };
    expect(await asDesk('POST', '/accounts/link-codes', input)).toMatchObject({
      status: 403,
      body: { code: 'recent-sign-in-required' },
    });
  });

  it('makes a link with the end that staff chose', async () => {
    const { ana, callAs, make, advance, accounts, patientId } = await startWithCode();
    const until = Temporal.Now.instant().add({ hours: 48 }).toString({ fractionalSecondDigits: 3 });
    const code = await make({ relation: 'guardian', until });
    const linked = await (await callAs(ana))('POST', '/accounts/me/patients', { code, birthDate: BIRTH_DATE });
    expect(linked.body).toEqual({ id: patientId, relation: 'guardian', until });
    advance({ hours: 49 });
    expect(await accounts.findClaims(ana.id)).toMatchObject({ patientIds: [] });
  });
});

describe('access to a record', () => {
  it('is listed for the patient, and ended by the patient', async () => {
    const { ana, bea, accounts, callAs } = await startClinic();
    const patientId = newId();
    await accounts.linkPatient(ana.id, { patientId, relation: 'self' });
    await accounts.linkPatient(bea.id, { patientId, relation: 'carer' });
    const [asAna, asBea] = [await callAs(ana), await callAs(bea)];
    const listed = items(await asAna('GET', `/accounts/access?patientId=${patientId}`));
    expect(listed.map(({ displayName, relation }) => [displayName, relation])).toEqual([
      ['Ana Silva', 'self'],
      ['Bea Costa', 'carer'],
    ]);
    expect(listed[0]).not.toHaveProperty('email');
    // A carer does not end the access of others.
    expect(await asBea('DELETE', `/accounts/${ana.id}/patients/${patientId}`)).toMatchObject(NOT_FOUND);
    expect((await asAna('DELETE', `/accounts/${bea.id}/patients/${patientId}`)).status).toBe(204);
    expect(items(await asBea('GET', `/accounts/access?patientId=${patientId}`))).toEqual([]);
    expect(await asAna('DELETE', `/accounts/${bea.id}/patients/${patientId}`)).toMatchObject(NOT_FOUND);
    expect((await asAna('DELETE', `/accounts/me/patients/${patientId}`)).status).toBe(204);
    expect(items(await asAna('GET', '/accounts/me/patients'))).toEqual([]);
  });

  it('is not listed for an account whose link has ended', async () => {
    const { ana, bea, accounts, callAs, clock, advance } = await startClinic();
    const patientId = newId();
    await accounts.linkPatient(ana.id, { patientId, relation: 'self' });
    await accounts.linkPatient(bea.id, { patientId, relation: 'guardian', endsAt: clock().add({ hours: 1 }) });
    // A link to another record opens this one neither.
    await accounts.linkPatient(bea.id, { patientId: newId(), relation: 'self' });
    const list = async () => items(await (await callAs(bea))('GET', `/accounts/access?patientId=${patientId}`));
    expect(await list()).toHaveLength(2);
    advance({ hours: 2 });
    expect(await list()).toEqual([]);
  });

  it('to the record of another person is not shown', async () => {
    const { ana, bea, accounts, callAs } = await startClinic();
    const patientId = newId();
    await accounts.linkPatient(ana.id, { patientId, relation: 'self' });
    const asBea = await callAs(bea);
    expect(items(await asBea('GET', `/accounts/access?patientId=${patientId}`))).toEqual([]);
    expect(await asBea('GET', `/accounts/${ana.id}/patients`)).toMatchObject(NOT_FOUND);
    expect(await asBea('DELETE', `/accounts/${ana.id}/patients/${patientId}`)).toMatchObject(NOT_FOUND);
    expect(await accounts.patientsOf(ana.id)).toHaveLength(1);
  });
});

describe('sessions', () => {
  it('are listed and ended by their own account, and by an administrator', async () => {
    const { ana, bea, administrator, callAs, sessions } = await startClinic();
    const [asAna, asBea, asRoot] = [await callAs(ana), await callAs(bea), await callAs(administrator)];
    await callAs(ana);
    const listed = items(await asAna('GET', '/accounts/me/sessions'));
    expect(listed.map(({ current }) => current).toSorted()).toEqual([false, true]);
    const other = listed.find(({ current }) => current === false)?.handle;
    expect(await asBea('GET', `/accounts/${ana.id}/sessions`)).toMatchObject(NOT_FOUND);
    expect(await asBea('DELETE', `/accounts/${ana.id}/sessions/${other}`)).toMatchObject(NOT_FOUND);
    expect(await asBea('DELETE', `/accounts/me/sessions/${other}`)).toMatchObject(NOT_FOUND);
    expect(await sessions.list(ana.id)).toHaveLength(2);
    expect((await asAna('DELETE', `/accounts/me/sessions/${other}`)).status).toBe(204);
    expect(items(await asRoot('GET', `/accounts/${ana.id.toUpperCase()}/sessions`))).toHaveLength(1);
    const [last] = await sessions.list(ana.id);
    expect((await asRoot('DELETE', `/accounts/${ana.id}/sessions/${last?.handle}`)).status).toBe(204);
    expect(await asAna('GET', '/me')).toMatchObject(REFUSED);
  });
});

describe('the audit trail', () => {
  it('shows an administrator who did what, with ids only', async () => {
    const { administrator, desk, ana, callAs, newBrowser, signIn } = await startClinic();
    await signIn(newBrowser(), ana);
    const browser = newBrowser();
    await browser.submit(await browser.request('/identity/sign-in'), { email: ana.email, password: 'wrong' });
    const [asRoot, asDesk] = [await callAs(administrator), await callAs(desk)];
    const patientId = newId();
    const code = { patientId, birthDate: '1990-02-01', relation: 'self', identityCheck: 'photo-id' };
    await asDesk('POST', '/accounts/link-codes', code);
    await asRoot('PATCH', `/accounts/${ana.id}`, { locale: 'pt' });
    const all = await asRoot('GET', '/audit');
    expect(items(all).map(({ action, actorRole, detail }) => [action, actorRole, detail])).toEqual([
      ['account-changed', 'administrator', 'locale'],
      ['link-code-made', 'front-desk', 'photo-id'],
      ['sign-in-failed', undefined, 'pwd'],
      ['sign-in', 'patient', 'pwd'],
    ]);
    expect(JSON.stringify(all.body)).not.toMatch(/example|Silva/);
    const ofAna = items(await asRoot('GET', `/audit?accountId=${ana.id}&limit=1`));
    expect(ofAna.map(({ action }) => action)).toEqual(['account-changed']);
    expect(items(await asRoot('GET', `/audit?patientId=${patientId}`)).map(({ actorId }) => actorId)).toEqual([
      desk.id,
    ]);
    expect(items(await asRoot('GET', `/audit?actorId=${desk.id}`))).toHaveLength(1);
  });

  it('shows a patient the own entries, and those of an own record without ids of staff', async () => {
    const { desk, ana, bea, callAs } = await startClinic();
    const patientId = newId();
    const [asAna, asBea] = [await callAs(ana), await callAs(bea)];
    const input = { patientId, birthDate: '1990-02-01', relation: 'self', identityCheck: 'photo-id' };
    const { body } = await (await callAs(desk))('POST', '/accounts/link-codes', input);
    expect(items(await asAna('GET', `/audit?patientId=${patientId}`))).toEqual([]);
    const { code } = body as { code: string };
    await asAna('POST', '/accounts/me/patients', { code, birthDate: '1990-02-01' });
    const seen = items(await asAna('GET', `/audit?patientId=${patientId}`));
    expect(seen.map(({ action, actorRole, actorId }) => [action, actorRole, actorId])).toEqual([
      ['patient-linked', 'patient', ana.id],
      ['link-code-made', 'front-desk', undefined],
    ]);
    expect(items(await asAna('GET', '/audit')).map(({ action }) => action)).toEqual(['patient-linked']);
    expect(items(await asBea('GET', `/audit?patientId=${patientId}`))).toEqual([]);
    expect(items(await asBea('GET', `/audit?accountId=${ana.id}`))).toEqual([]);
  });

  it('does not confirm to a patient which member of staff acted', async () => {
    const { desk, ana, callAs } = await startClinic();
    const patientId = newId();
    const input = { patientId, birthDate: '1990-02-01', relation: 'self', identityCheck: 'photo-id' };
    const { body } = await (await callAs(desk))('POST', '/accounts/link-codes', input);
    const asAna = await callAs(ana);
    const { code } = body as { code: string };
    await asAna('POST', '/accounts/me/patients', { code, birthDate: '1990-02-01' });
    const actionsBy = async (actorId: string) =>
      items(await asAna('GET', `/audit?patientId=${patientId}&actorId=${actorId}`)).map(({ action }) => action);
    expect(await actionsBy(ana.id)).toEqual(['patient-linked']);
    expect(await actionsBy(desk.id)).toEqual([]);
  });
});
