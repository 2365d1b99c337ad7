import { newId } from '@daybook/database';
import { describe, expect, it } from 'vitest';
import { newAccount, openStores } from '../testing.ts';
import type { DemoPerson } from './demo-accounts.ts';

const people = (): [DemoPerson, DemoPerson, DemoPerson] => [
  { role: 'patient', email: 'patient@example.org', displayName: 'Ana Silva', patientId: newId() },
  { role: 'doctor', email: 'doctor@example.org', displayName: 'Noor Haddad', doctorId: newId() },
  { role: 'administrator', email: 'admin@example.org', displayName: 'Alex Morgan' },
];

describe('the accounts of the demo', () => {
  it('are those of its people and of no others', async () => {
    const { demoAccounts, accounts } = await openStores();
    expect(await demoAccounts.list()).toEqual([]);
    const [patient, doctor, administrator] = people();
    expect(await demoAccounts.prepare([patient, doctor, administrator])).toBe(true);
    await accounts.create(newAccount());
    expect((await demoAccounts.list()).map(({ role }) => role).toSorted()).toEqual([
      'administrator',
      'doctor',
      'patient',
    ]);
    const account = (await demoAccounts.find('patient')) ?? expect.fail('the demo has no patient');
    expect(await accounts.patientsOf(account.id)).toEqual([{ patientId: patient.patientId, relation: 'self' }]);
    expect(await demoAccounts.find('doctor')).toMatchObject({ doctorId: doctor.doctorId, status: 'active' });
    expect(await demoAccounts.find('front-desk')).toBeUndefined();
  });

  it('stay the same when an interrupted seed goes on', async () => {
    const { demoAccounts } = await openStores();
    const seeded = people();
    await demoAccounts.prepare(seeded);
    const before = await demoAccounts.list();
    await demoAccounts.prepare(seeded);
    expect(await demoAccounts.list()).toEqual(before);
  });

  it('are linked to the records of a later seed', async () => {
    const { demoAccounts, accounts } = await openStores();
    await demoAccounts.prepare(people());
    const [patient, doctor] = people();
    await demoAccounts.prepare([patient, doctor]);
    const account = (await demoAccounts.find('patient')) ?? expect.fail('the demo has no patient');
    expect(await accounts.patientsOf(account.id)).toEqual([{ patientId: patient.patientId, relation: 'self' }]);
    expect(await demoAccounts.find('doctor')).toMatchObject({ doctorId: doctor.doctorId });
  });

  it('are not made next to other accounts', async () => {
    const { demoAccounts, accounts } = await openStores();
    await accounts.create(newAccount());
    expect(await demoAccounts.prepare(people())).toBe(false);
    expect(await demoAccounts.list()).toEqual([]);
  });
});
