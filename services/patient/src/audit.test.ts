import { describe, expect, it } from 'vitest';
import { ana, DOCTOR_ID, doctor, startPatients } from './testing.ts';

const desk = { id: 'desk', role: 'front-desk' } as const;

async function startWithPatient() {
  const service = await startPatients();
  const patient = await service.register(ana);
  return { ...service, patient, asDesk: service.callAs(desk) };
}

/** Returns who did what to whom. */
const brief = (calls: Awaited<ReturnType<Awaited<ReturnType<typeof startPatients>>['audit']>>) =>
  calls.map(({ action, operation, callerId, patientIds }) => [action, operation, callerId, ...patientIds]);

describe('the audit trail of patients', () => {
  it('has each read of a record by staff, and changes', async () => {
    const { patient, asDesk, audit } = await startWithPatient();
    await asDesk('GET', `/${patient.id}`);
    await asDesk('GET', '?q=silva');
    await asDesk('GET', '?q=nobody');
    await asDesk('PATCH', `/${patient.id}`, { phone: '+351210000000' });
    expect(brief(await audit())).toEqual([
      ['changed', 'registerPatient', 'administrator', patient.id],
      ['record-read', 'getPatient', 'desk', patient.id],
      ['record-read', 'findPatients', 'desk', patient.id],
      ['changed', 'changePatient', 'desk', patient.id],
    ]);
  });

  it('has a read of a record that the caller knows already', async () => {
    const { patient, asDesk, audit } = await startWithPatient();
    expect(await asDesk('GET', `/${patient.id}`, undefined, { 'if-none-match': '"1"' })).toMatchObject({ status: 304 });
    expect(await audit()).toHaveLength(2);
  });

  it('has one row for a page, with all its patients', async () => {
    const { patient, asDesk, audit, register } = await startWithPatient();
    const other = await register({ ...ana, givenName: 'Rui' });
    await asDesk('POST', '/search', { q: 'silva' });
    const read = (await audit()).filter(({ action }) => action === 'record-read');
    expect(read.map(({ patientIds }) => patientIds)).toEqual([[patient.id, other.id].sort()]);
  });

  it('lacks a patient’s read of the own record, and has that of another one, which is 404', async () => {
    const { patient, audit, callAs, register } = await startWithPatient();
    const other = await register({ ...ana, givenName: 'Rui' });
    const asAna = callAs({ id: 'ana', role: 'patient', patientIds: [patient.id] });
    expect(await asAna('GET', `/${patient.id}`)).toMatchObject({ status: 200 });
    expect(await asAna('GET', `/${other.id}`)).toMatchObject({ status: 404 });
    expect(await asAna('GET', '?q=silva')).toMatchObject({ status: 403 });
    expect(brief(await audit()).slice(2)).toEqual([
      ['call-refused', 'getPatient', 'ana', other.id],
      ['call-refused', 'findPatients', 'ana'],
    ]);
  });

  it('has an emergency access and the read that it permits, and never its reason', async () => {
    const { patient, audit, callAs, outbox } = await startWithPatient();
    const asDoctor = callAs(doctor);
    expect(await asDoctor('GET', `/${patient.id}`)).toMatchObject({ status: 404 });
    await asDoctor('POST', `/${patient.id}/emergency-access`, { reason: 'unconscious' });
    expect(await asDoctor('GET', `/${patient.id}`)).toMatchObject({ status: 200 });
    expect(brief(await audit()).slice(1)).toEqual([
      ['call-refused', 'getPatient', 'noor', patient.id],
      ['changed', 'emergencyAccess', 'noor', patient.id],
      ['record-read', 'getPatient', 'noor', patient.id],
    ]);
    expect(JSON.stringify([await audit(), await outbox()])).not.toMatch(/unconscious|Silva|1990/);
    expect(DOCTOR_ID).toBe(doctor.doctorId);
  });

  it('names both records of a merge', async () => {
    const { patient, asDesk, audit, register } = await startWithPatient();
    const other = await register({ ...ana, givenName: 'Rui' });
    await asDesk('POST', `/${other.id}/merge`, { into: patient.id, reason: 'same person' });
    expect(brief(await audit()).at(-1)).toEqual(['changed', 'mergePatients', 'desk', ...[patient.id, other.id].sort()]);
  });

  it('names the records that a possible duplicate shows to staff', async () => {
    const { patient, asDesk, audit } = await startWithPatient();
    expect(await asDesk('POST', '', ana)).toMatchObject({ status: 409 });
    expect(brief(await audit()).slice(1)).toEqual([['record-read', 'registerPatient', 'desk', patient.id]]);
  });

  it('has a registration by a program, and not its reads', async () => {
    const { audit, callAs, patient } = await startWithPatient();
    const asImport = callAs({ id: 'import', role: 'service', scope: ['registerPatient'] });
    expect(await asImport('POST', '', { ...ana, givenName: 'Rui' })).toMatchObject({ status: 201 });
    expect(await asImport('GET', `/${patient.id}`)).toMatchObject({ status: 403 });
    expect(brief(await audit()).slice(1)).toEqual([['changed', 'registerPatient', 'import', expect.any(String)]]);
  });

  it('refuses a read that it cannot keep', async () => {
    const { asDesk, database, patient } = await startWithPatient();
    await database.write((tx) => tx.schema.alterTable('outbox').renameTo('away').execute());
    const { status, headers, body } = await asDesk('GET', `/${patient.id}`);
    expect([status, body]).toMatchObject([503, { code: 'service-unavailable' }]);
    expect(headers).not.toHaveProperty('etag');
    await database.write((tx) => tx.schema.alterTable('away').renameTo('outbox').execute());
    expect(await asDesk('GET', `/${patient.id}`)).toMatchObject({ status: 200 });
  });
});
