import { PatientExport } from '@daybook/contracts';
import { newId } from '@daybook/database';
import { createParser } from '@daybook/service';
import { ADMINISTRATOR } from '@daybook/service/testing';
import { describe, expect, it } from 'vitest';
import { appointmentEvent, doctor, startPatients, visitOf } from '../testing.ts';

const readExport = createParser(PatientExport);

/** In every text of a record. */
const MARK = /marsupial|9090909/i;
const marked = {
  givenName: 'Marsupialgiven',
  familyName: 'Marsupialfamily',
  birthDate: '1961-03-04',
  email: 'marsupial@example.org',
  phone: '+15559090909',
  address: { lines: ['1 Marsupial Street'], city: 'Marsupialville' },
  identifiers: [{ system: 'urn:marsupial', value: 'MARSUPIAL-1' }],
};
const basis = 'request' as const;

/** Starts a record with texts in all tables, and another one that is merged into it. */
async function startMarked() {
  const service = await startPatients();
  const { call, callAs, register } = service;
  const { id } = await register(marked);
  const merged = await register({ ...marked, identifiers: [{ system: 'urn:marsupial', value: 'MARSUPIAL-2' }] });
  await call('POST', `/${merged.id}/merge`, { into: id, reason: 'marsupial twice' });
  await callAs(doctor)('POST', `/${id}/emergency-access`, { reason: 'a marsupial bite' });
  await call('PATCH', `/${id}`, { email: 'another.marsupial@example.org' });
  const erase = (body: object = { basis }, headers = {}) => call('POST', `/${id}/erasure`, body, headers);
  /** Returns the ids in the events about erasures. */
  const erased = async (): Promise<string[]> =>
    (await service.outbox())
      .map((event) => JSON.parse(event))
      .filter(({ type }) => type === 'daybook.patient.erased.v1')
      .map(({ data }) => data.patientId);
  return { ...service, id, mergedId: merged.id, erase, erased };
}

type Marked = Awaited<ReturnType<typeof startMarked>>;

/** Returns all rows of the database as text. */
const rowsOf = ({ database }: Pick<Marked, 'database'>) =>
  database.read(async (db) => {
    const tables = [
      'patients',
      'patient_identifiers',
      'search_terms',
      'name_keys',
      'patient_merge_history',
      'emergency_accesses',
      'erased_identifiers',
      'contact_changes',
      'idempotency_keys',
      'outbox',
    ] as const;
    const rows = await Promise.all(tables.map((table) => db.selectFrom(table).selectAll().execute()));
    return JSON.stringify(Object.fromEntries(tables.map((table, index) => [table, rows[index]])));
  });

describe('an export', () => {
  it('has the record, merged records, reasons, and the addresses of the other parts', async () => {
    const { call, id, mergedId } = await startMarked();
    const { status, body, headers } = await call('GET', `/${mergedId}/export`);
    expect([status, headers['cache-control']]).toEqual([200, 'no-store']);
    const exported = readExport(body);
    expect(exported.patient).toMatchObject({ id, familyName: marked.familyName, address: marked.address });
    expect(exported.merged).toMatchObject([{ id: mergedId, replacedBy: id, phone: marked.phone }]);
    expect(exported.merges).toMatchObject([{ patientId: mergedId, into: id, reason: 'marsupial twice' }]);
    expect(exported.emergencyAccesses).toMatchObject([
      { patientId: id, accountId: 'noor', reason: 'a marsupial bite' },
    ]);
    expect(exported.parts).toHaveLength(8);
    expect(exported.parts).toContainEqual({
      name: 'appointments',
      href: `/api/v1/appointments/export?patientId=${mergedId}&limit=100`,
    });
  });

  it('is in the audit trail, with all its records', async () => {
    const { call, audit, id, mergedId } = await startMarked();
    await call('GET', `/${id}/export`);
    expect((await audit()).at(-1)).toMatchObject({
      action: 'record-read',
      operation: 'exportPatient',
      patientIds: [id, mergedId].sort(),
    });
  });

  it('of a record that does not exist is 404', async () => {
    const { call } = await startPatients();
    expect(await call('GET', `/${newId()}/export`)).toMatchObject({ status: 404 });
  });
});

it.each([
  ['an export', 'GET', 'export', undefined],
  ['an erasure', 'POST', 'erasure', { basis }],
] as const)('%s needs a sign-in of the last 10 minutes', async (_what, method, path, body) => {
  const { callAs, register } = await startPatients();
  const { id } = await register(marked);
  const signedIn = (minutes: number) => Math.floor(Date.now() / 1_000) - minutes * 60;
  const at = (minutes: number) => callAs({ ...ADMINISTRATOR, authenticatedAt: signedIn(minutes) });
  expect(await at(11)(method, `/${id}/${path}`, body)).toMatchObject({
    status: 403,
    body: { code: 'recent-sign-in-required' },
  });
  expect(await at(9)(method, `/${id}/${path}`, body)).toMatchObject({ status: 200 });
});

describe('an erasure', () => {
  it('leaves no text of the person in any table', async () => {
    const marked = await startMarked();
    expect(await rowsOf(marked)).toMatch(MARK);
    expect(await marked.erase()).toMatchObject({ status: 200 });
    const rows = await rowsOf(marked);
    expect(rows).not.toMatch(MARK);
    expect(rows).not.toContain('1961-03-04');
  });

  it('keeps the id, which returns an empty record', async () => {
    const { id, mergedId, read, erase } = await startMarked();
    const { body, headers } = await erase();
    const erased = { id, active: false, erasedAt: expect.any(String), version: 3, createdAt: expect.any(String) };
    expect(body).toEqual({ ...erased, updatedAt: expect.any(String) });
    expect(headers.etag).toBe('"3"');
    expect(await read(id)).toEqual(body);
    expect(await read(mergedId)).toMatchObject({ id: mergedId, replacedBy: id, erasedAt: expect.any(String) });
  });

  it('hides the record from searches, and not from a list of ids', async () => {
    const { id, find, erase } = await startMarked();
    await erase();
    for (const query of [{}, { q: 'marsupial' }, { q: '9090909' }, { birthDate: '1961-03-04' }, { id, q: 'a' }]) {
      expect((await find(query as Record<string, string>)).items).toEqual([]);
    }
    expect((await find({ id })).items).toMatchObject([{ id, erasedAt: expect.any(String) }]);
  });

  it('publishes ids only, for each record', async () => {
    const { id, mergedId, outbox, erase, erased } = await startMarked();
    await erase();
    expect((await erased()).sort()).toEqual([id, mergedId].sort());
    expect(JSON.stringify(await outbox())).not.toMatch(MARK);
  });

  it('is in the audit trail', async () => {
    const { id, audit, erase } = await startMarked();
    await erase();
    expect((await audit()).at(-1)).toMatchObject({ action: 'changed', operation: 'erasePatient', patientIds: [id] });
  });

  it('a second time changes nothing', async () => {
    const { erase, erased } = await startMarked();
    const { body } = await erase();
    expect(await erase()).toMatchObject({ status: 200, body });
    expect(await erased()).toHaveLength(2);
  });

  it('is refused while a visit has not ended, and for a record that was merged', async () => {
    const { bus, id, mergedId, call, time, erase } = await startMarked();
    const visit = visitOf(mergedId);
    await bus.publish(appointmentEvent('booked', visit));
    expect(await erase()).toMatchObject({ status: 409, body: { code: 'upcoming-appointments' } });
    expect(await call('POST', `/${mergedId}/erasure`, { basis })).toMatchObject({
      status: 409,
      body: { code: 'patient-replaced' },
    });
    await bus.publish(appointmentEvent('cancelled', visit, 2));
    await bus.publish(appointmentEvent('booked', visitOf(id)));
    time.now = time.now.add({ minutes: 31 });
    expect(await erase()).toMatchObject({ status: 200 });
  });

  it('is final: the record is not changed, merged or read in an emergency', async () => {
    const { id, mergedId, call, callAs, register, erase } = await startMarked();
    await erase();
    const other = await register({ familyName: 'Costa', birthDate: '1990-02-01' });
    const refused = { status: 409, body: { code: 'patient-erased' } };
    expect(await call('PATCH', `/${id}`, { familyName: 'Marsupialfamily' })).toMatchObject(refused);
    expect(await call('PATCH', `/${id}`, { active: true })).toMatchObject(refused);
    expect(await call('POST', `/${id}/merge`, { into: other.id, reason: 'x' })).toMatchObject(refused);
    expect(await call('POST', `/${other.id}/merge`, { into: id, reason: 'x' })).toMatchObject(refused);
    expect(await call('POST', `/${mergedId}/unmerge`, { reason: 'x' })).toMatchObject(refused);
    expect(await callAs(doctor)('POST', `/${id}/emergency-access`, { reason: 'x' })).toMatchObject(refused);
  });

  it('keeps an import from registering the person again', async () => {
    const { call, callAs, erase } = await startMarked();
    await erase();
    const asImport = callAs({ id: 'import', role: 'service', scope: ['registerPatient'] });
    const refused = { status: 409, body: { code: 'patient-erased' } };
    for (const register of [asImport, call]) {
      expect(await register('POST', '', { ...marked, confirmedNew: true })).toMatchObject(refused);
    }
    const { identifiers: _, ...person } = marked;
    expect(await call('POST', '', person)).toMatchObject({ status: 201 });
  });

  it('removes the person from stored responses, which a repeated request gets empty', async () => {
    const service = await startPatients();
    const headers = { 'idempotency-key': 'registration' };
    const first = await service.call('POST', '', marked, headers);
    const { id } = first.body as { id: string };
    expect(await service.call('POST', `/${id}/erasure`, { basis }, { 'idempotency-key': 'erasure' })).toMatchObject({
      status: 200,
    });
    expect(await rowsOf(service)).not.toMatch(MARK);
    const again = await service.call('POST', '', marked, headers);
    expect(again).toMatchObject({ status: 201, body: { id, erasedAt: expect.any(String) } });
    expect(JSON.stringify(again.body)).not.toMatch(MARK);
  });

  it('is refused with a text as its basis, because a text could name the person', async () => {
    const { erase } = await startMarked();
    expect(await erase({ basis: 'Marsupial wants it' })).toMatchObject({ status: 400 });
    expect(await erase({ basis, reason: 'Marsupial' })).toMatchObject({ status: 400 });
  });
});
