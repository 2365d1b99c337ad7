import { newId } from '@daybook/database';
import { describe, expect, it } from 'vitest';
import { openStores } from '../testing.ts';
import { createAuditTrail, verifyAuditChain } from './audit.ts';

async function openTrail(entries = 0) {
  const { database, clock } = await openStores();
  const audit = createAuditTrail(database, clock);
  for (let count = 0; count < entries; count += 1) {
    await audit.append({
      action: 'sign-in',
      actor: { id: newId(), role: 'patient' },
      accountId: newId(),
      detail: 'pwd',
    });
  }
  return { database, audit, verify: () => verifyAuditChain(database) };
}

describe('the chain of the audit trail', () => {
  it('is whole with entries of all kinds, and without entries', async () => {
    const { audit, verify } = await openTrail();
    expect(await verify()).toEqual({ isWhole: true, entries: 0 });
    await audit.append({ action: 'sign-in-failed' });
    await audit.append({ action: 'patient-linked', actor: { id: newId(), role: 'patient' }, patientId: newId() });
    expect(await verify()).toEqual({ isWhole: true, entries: 2 });
  });

  it('has no gap and no fork when many append simultaneously', async () => {
    const { audit, verify } = await openTrail();
    await Promise.all(Array.from({ length: 20 }, () => audit.append({ action: 'sign-in-failed', accountId: newId() })));
    expect(await verify()).toEqual({ isWhole: true, entries: 20 });
  });

  it('has no entry of a transaction that failed', async () => {
    const { audit, database, verify } = await openTrail(1);
    const failing = database.write(async (tx) => {
      await audit.appendIn(tx, { action: 'sign-in-failed' });
      throw new Error('undone');
    });
    await expect(failing).rejects.toThrow('undone');
    expect(await verify()).toEqual({ isWhole: true, entries: 1 });
  });

  it.each<[string, number, 'alter' | 'remove' | 'alter-last' | 'remove-last']>([
    ['an altered entry breaks the link of the next one', 4, 'alter'],
    ['a removed entry is missing', 3, 'remove'],
    ['an altered last entry differs from the head', 5, 'alter-last'],
    ['a removed last entry is missing', 5, 'remove-last'],
  ])('%s', async (_what, brokenAt, fault) => {
    const { database, verify } = await openTrail(5);
    const position = fault.endsWith('last') ? 5 : 3;
    await database.write(async (tx) => {
      if (fault.startsWith('alter')) {
        await tx.updateTable('audit_entries').set({ detail: 'otp' }).where('position', '=', position).execute();
      } else await tx.deleteFrom('audit_entries').where('position', '=', position).execute();
    });
    expect(await verify()).toMatchObject({ isWhole: false, brokenAt });
  });
});
