import type { CloudEvent, EventType } from '@daybook/contracts';
import { newId } from '@daybook/database';
import { describe, expect, it } from 'vitest';
import { startIdentity } from '../testing.ts';

const eventOf = (type: EventType, data: CloudEvent['data']): CloudEvent => ({
  specversion: '1.0',
  id: newId(),
  source: '/services/patient',
  type,
  subject: newId(),
  time: '2026-11-02T08:00:00.000Z',
  datacontenttype: 'application/json',
  sequence: 1,
  data,
});

async function startWithMail(hasMail = true) {
  const started = await startIdentity({ hasMail });
  const { addPerson, patients, database } = started;
  const root = await addPerson('administrator', { email: 'root@example.org', displayName: 'Rosa Root' });
  const mails = () => database.read((db) => db.selectFrom('mail_outbox').selectAll().execute());
  return { ...started, root, mails, handle: (event: CloudEvent) => patients.handle(event) };
}

describe('an emergency access', () => {
  const emergency = () => {
    const [emergencyAccessId, patientId, doctorId] = [newId(), newId(), newId()];
    const times = { start: '2026-11-02T08:00:00.000Z', end: '2026-11-02T09:00:00.000Z' };
    const data = { emergencyAccessId, patientId, doctorId, ...times };
    return { data, event: eventOf('daybook.patient.emergency-access.v1', data) };
  };

  it('is mailed to each active administrator, with a link to its audit entry, and without the patient', async () => {
    const { addPerson, accounts, handle, sendMails, sent } = await startWithMail();
    await addPerson('administrator', { email: 'second@example.org', locale: 'de' });
    const gone = await addPerson('administrator', { email: 'gone@example.org' });
    await accounts.setStatus(gone.id, 'disabled');
    await addPerson('front-desk', { email: 'desk@example.org' });
    const { data, event } = emergency();
    await handle(event);
    await handle(event);
    await sendMails();
    expect(sent.map(({ to, language }) => [to, language]).sort()).toEqual([
      ['root@example.org', 'en'],
      ['second@example.org', 'de'],
    ]);
    for (const { text, subject } of sent) {
      expect(text).toContain(
        `https://daybook.example/api/v1/audit?operation=emergencyAccess&subjectId=${data.emergencyAccessId}`,
      );
      expect(`${subject} ${text}`).not.toContain(data.patientId);
    }
  });

  it('has a mail of its own for each access', async () => {
    const { handle, mails } = await startWithMail();
    await handle(emergency().event);
    await handle(emergency().event);
    expect(await mails()).toHaveLength(2);
  });

  it('is not mailed where no mail is configured', async () => {
    const { handle, mails } = await startWithMail(false);
    await handle(emergency().event);
    expect(await mails()).toEqual([]);
  });
});

describe('a changed contact', () => {
  const change = () => eventOf('daybook.patient.contact-changed.v1', { patientId: newId(), contactChangeId: newId() });

  it('is sent to the former address, which no table of identity has', async () => {
    const { handle, mails, sendMails, sent, contactResponses } = await startWithMail();
    contactResponses.former = { id: newId(), email: 'former@example.org', language: 'pt-BR' };
    await handle(change());
    expect(JSON.stringify(await mails())).not.toContain('example.org');
    await sendMails();
    expect(sent).toMatchObject([{ to: 'former@example.org', language: 'pt' }]);
    expect(await mails()).toEqual([]);
  });

  it('is not sent once the patient service has deleted the former address', async () => {
    const { handle, mails, sendMails, sent } = await startWithMail();
    await handle(change());
    await sendMails();
    expect([sent, await mails()]).toEqual([[], []]);
  });

  it('is sent later when the patient service is away', async () => {
    const { handle, mails, sendMails, sent, contactResponses, advance } = await startWithMail();
    await handle(change());
    const former = async () => {
      throw new Error('away');
    };
    await sendMails({ contacts: { proof: async () => undefined, former } });
    expect([sent, (await mails()).length]).toEqual([[], 1]);
    contactResponses.former = { id: newId(), email: 'former@example.org' };
    advance({ minutes: 2 });
    await sendMails();
    expect(sent).toMatchObject([{ to: 'former@example.org', language: 'en' }]);
  });
});

it('an erasure ends the links, codes and mails of a record, once, and those of others stay', async () => {
  const { addPerson, accounts, callAs, root, handle, mails, database } = await startWithMail();
  const ana = await addPerson('patient');
  const [erased, other] = [newId(), newId()];
  const asRoot = await callAs(root);
  for (const patientId of [erased, other]) {
    await accounts.linkPatient(ana.id, { patientId, relation: 'self' });
    const code = { patientId, birthDate: '1990-02-01', relation: 'carer', identityCheck: 'photo-id' };
    expect(await asRoot('POST', '/accounts/link-codes', code)).toMatchObject({ status: 201 });
    await handle(eventOf('daybook.patient.contact-changed.v1', { patientId, contactChangeId: newId() }));
  }
  const erasure = () => eventOf('daybook.patient.erased.v1', { patientId: erased });
  await handle(erasure());
  await handle(erasure());
  expect((await accounts.patientsOf(ana.id)).map(({ patientId }) => patientId)).toEqual([other]);
  expect(await mails()).toHaveLength(1);
  const codes = await database.read((db) => db.selectFrom('link_codes').selectAll().execute());
  expect(codes).toHaveLength(1);
  const { body } = await asRoot('GET', `/audit?patientId=${erased}`);
  const revoked = { action: 'patient-link-revoked', program: 'patient-service', accountId: ana.id, detail: 'erasure' };
  const { items } = body as { items: { action: string }[] };
  expect(items.filter(({ action }) => action === 'patient-link-revoked')).toMatchObject([revoked]);
});

describe('an identity check by a contact on record', () => {
  const input = (patientId: string, identityCheck = 'contact-on-record') => ({
    patientId,
    birthDate: '1990-02-01',
    relation: 'self',
    identityCheck,
  });
  const id = newId();

  it.each([
    ['changed-recently', '7 days'],
    ['shared', 'Several records'],
    ['no-contact', 'no e-mail'],
  ] as const)('is refused for a contact with the doubt %s, on both ways to a link', async (reason, detail) => {
    const { root, callAs, contactResponses } = await startWithMail();
    const asRoot = await callAs(root);
    contactResponses.proof = { id, isProof: false, reason };
    const refused = { status: 422, body: { code: 'contact-not-proven', detail: expect.stringContaining(detail) } };
    expect(await asRoot('POST', '/accounts/link-codes', input(id))).toMatchObject(refused);
    const patient = { id, relation: 'self', identityCheck: 'contact-on-record' };
    const invitation = { role: 'patient', email: 'bea@example.org', displayName: 'Bea', patient };
    expect(await asRoot('POST', '/accounts/invitations', invitation)).toMatchObject(refused);
    expect(await asRoot('POST', '/accounts/link-codes', input(id, 'photo-id'))).toMatchObject({ status: 201 });
  });

  it('makes a code for a proven contact, and is refused for an unknown patient', async () => {
    const { root, callAs, contactResponses } = await startWithMail();
    const asRoot = await callAs(root);
    expect(await asRoot('POST', '/accounts/link-codes', input(id))).toMatchObject({
      status: 422,
      body: { code: 'patient-not-found' },
    });
    contactResponses.proof = { id, isProof: true };
    expect(await asRoot('POST', '/accounts/link-codes', input(id))).toMatchObject({ status: 201 });
  });
});
