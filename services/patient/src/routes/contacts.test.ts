import { newId } from '@daybook/database';
import { expect, it } from 'vitest';
import { sweepContactChanges } from '../store/contact-changes.ts';
import { ana, startPatients } from '../testing.ts';

const email = 'ana@example.org';

async function startContacts() {
  const service = await startPatients();
  const { callAs } = service;
  const scope = ['getContactProof', 'getFormerContact'];
  const asIdentity = callAs({ id: 'identity-service', role: 'service', scope });
  const proofOf = async (id: string) => (await asIdentity('GET', `/${id}/contact-proof`)).body;
  /** Returns the data of the event about the last change of a contact. */
  const lastChange = async () =>
    (await service.outbox())
      .map((event) => JSON.parse(event))
      .filter(({ type }) => type === 'daybook.patient.contact-changed.v1')
      .at(-1)?.data;
  return { ...service, asIdentity, proofOf, lastChange };
}

it('a contact proves who a person is when it is old, and of one record', async () => {
  const { proofOf, register, call, time } = await startContacts();
  const { id } = await register({ ...ana, email });
  expect(await proofOf(id)).toEqual({ id, isProof: true });
  await call('PATCH', `/${id}`, { phone: '+15551234567' });
  expect(await proofOf(id)).toEqual({ id, isProof: false, reason: 'changed-recently' });
  time.now = time.now.add({ hours: 7 * 24 - 1 });
  expect(await proofOf(id)).toMatchObject({ reason: 'changed-recently' });
  time.now = time.now.add({ hours: 2 });
  expect(await proofOf(id)).toEqual({ id, isProof: true });
});

it.each([
  ['e-mail', { email: 'ANA@example.org' }],
  ['phone', { phone: '+1 555 123 4567' }],
])('an %s that several records share proves nothing', async (_what, contact) => {
  const { proofOf, register } = await startContacts();
  const { id } = await register({ ...ana, email, phone: '+15551234567' });
  await register({ ...ana, ...contact });
  expect(await proofOf(id)).toEqual({ id, isProof: false, reason: 'shared' });
});

it('a record without a contact proves nothing, and an unknown one is 404', async () => {
  const { asIdentity, proofOf, register } = await startContacts();
  const { id } = await register(ana);
  expect(await proofOf(id)).toEqual({ id, isProof: false, reason: 'no-contact' });
  expect(await asIdentity('GET', `/${newId()}/contact-proof`)).toMatchObject({ status: 404 });
});

it('a change keeps the former address for identity, and its event has ids only', async () => {
  const { asIdentity, register, call, lastChange } = await startContacts();
  const { id } = await register({ ...ana, email, language: 'pt' });
  await call('PATCH', `/${id}`, { email: 'new@example.org' });
  const data = await lastChange();
  expect(data).toEqual({ patientId: id, contactChangeId: expect.any(String) });
  expect(await asIdentity('GET', `/${id}/contact-changes/${data.contactChangeId}`)).toMatchObject({
    status: 200,
    body: { email, language: 'pt' },
  });
  expect(await asIdentity('GET', `/${newId()}/contact-changes/${newId()}`)).toMatchObject({ status: 404 });
});

it('a change without a former address, or of another member, sends no message', async () => {
  const { register, call, lastChange } = await startContacts();
  const { id } = await register(ana);
  await call('PATCH', `/${id}`, { email });
  await call('PATCH', `/${id}`, { givenName: 'Anna' });
  expect(await lastChange()).toBeUndefined();
});

it('the former address is deleted after 7 days', async () => {
  const { register, call, time, database } = await startContacts();
  const { id } = await register({ ...ana, email });
  await call('PATCH', `/${id}`, { email: 'new@example.org' });
  expect(await sweepContactChanges(database, () => time.now)).toBe(0);
  time.now = time.now.add({ hours: 7 * 24 });
  expect(await sweepContactChanges(database, () => time.now)).toBe(1);
  const left = await database.read((db) => db.selectFrom('contact_changes').selectAll().execute());
  expect(left).toEqual([]);
});
