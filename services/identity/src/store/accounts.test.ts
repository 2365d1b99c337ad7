import { newId } from '@daybook/database';
import { describe, expect, it } from 'vitest';
import { newAccount, openStores } from '../testing.ts';

describe('an account', () => {
  it('is found by its e-mail address in any case', async () => {
    const { accounts } = await openStores();
    const { id } = await accounts.create(newAccount({ email: 'Ana.Silva@Example.org' }));
    expect(await accounts.findForSignIn(' ANA.silva@example.ORG ')).toMatchObject({
      account: { id, email: 'Ana.Silva@Example.org' },
      passwordHash: undefined,
      hasTotp: false,
    });
    expect(await accounts.findForSignIn('ana@example.org')).toBeUndefined();
  });

  it('shares its e-mail address with no other, also when both are created simultaneously', async () => {
    const { accounts } = await openStores();
    const created = await Promise.allSettled([
      accounts.create(newAccount({ email: 'ana@example.org' })),
      accounts.create(newAccount({ email: 'ANA@example.org' })),
      accounts.create(newAccount({ email: 'ana@example.org ' })),
    ]);
    expect(created.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']);
    for (const one of created) if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'name-taken' });
  });

  it('of a doctor shares the doctor with no other', async () => {
    const { accounts } = await openStores();
    const doctorId = newId();
    await accounts.create(newAccount({ role: 'doctor', doctorId }));
    const second = accounts.create(newAccount({ role: 'doctor', doctorId, email: 'bea@example.org' }));
    await expect(second).rejects.toMatchObject({ code: 'name-taken' });
  });

  it('that is disabled has no claims and no sessions', async () => {
    const { accounts, sessions } = await openStores();
    const account = await accounts.create(newAccount());
    const id = await sessions.start({ account, methods: ['pwd'], device: 'Firefox' });
    await accounts.setStatus(account.id, 'disabled');
    expect(await accounts.findClaims(account.id)).toBeUndefined();
    expect(await sessions.list(account.id)).toEqual([]);
    await accounts.setStatus(account.id, 'active');
    expect(await sessions.find(id, { isActive: true })).toBeUndefined();
    expect(await accounts.findClaims(account.id)).toMatchObject({ account: { version: 3 } });
  });

  it('counts as administrator only while it is active', async () => {
    const { accounts } = await openStores();
    expect(await accounts.hasAdministrator()).toBe(false);
    const { id } = await accounts.create(newAccount({ role: 'administrator' }));
    expect(await accounts.hasAdministrator()).toBe(true);
    await accounts.setStatus(id, 'disabled');
    expect(await accounts.hasAdministrator()).toBe(false);
  });
});

describe('an account acts for', () => {
  it('the patients that it is linked to, until the link ends', async () => {
    const { accounts, clock, advance } = await openStores();
    const { id } = await accounts.create(newAccount());
    const [own, child] = [newId(), newId()];
    await accounts.linkPatient(id, { patientId: own, relation: 'self' });
    await accounts.linkPatient(id, { patientId: child, relation: 'guardian', endsAt: clock().add({ hours: 1 }) });
    expect((await accounts.findClaims(id))?.patientIds).toEqual([own, child]);
    advance({ hours: 1 });
    expect((await accounts.findClaims(id))?.patientIds).toEqual([own]);
    await accounts.unlinkPatient(id, own);
    expect((await accounts.findClaims(id))?.patientIds).toEqual([]);
  });

  it('a patient once, in the relation that was given last', async () => {
    const { accounts } = await openStores();
    const { id } = await accounts.create(newAccount());
    const patientId = newId();
    await accounts.linkPatient(id, { patientId, relation: 'guardian' });
    await accounts.linkPatient(id, { patientId, relation: 'carer' });
    expect(await accounts.patientsOf(id)).toEqual([{ patientId, relation: 'carer' }]);
  });

  it('at most 50 patients, also when many are linked simultaneously', async () => {
    const { accounts, advance, clock } = await openStores();
    const { id } = await accounts.create(newAccount());
    for (let count = 0; count < 48; count += 1) {
      await accounts.linkPatient(id, { patientId: newId(), relation: 'carer', endsAt: clock().add({ hours: 1 }) });
    }
    const link = () => accounts.linkPatient(id, { patientId: newId(), relation: 'carer' });
    const linked = await Promise.allSettled([link(), link(), link(), link()]);
    expect(linked.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
    expect(await accounts.patientsOf(id)).toHaveLength(50);
    advance({ hours: 1 });
    await link();
    expect(await accounts.patientsOf(id)).toHaveLength(3);
  });
});
