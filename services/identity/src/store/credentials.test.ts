import { describe, expect, it } from 'vitest';
import { newTotpSecret } from '../credentials/totp.ts';
import { newAccount, openStores } from '../testing.ts';

async function openCredentials() {
  const stores = await openStores();
  const { id } = await stores.accounts.create(newAccount({ role: 'doctor' }));
  const secret = newTotpSecret();
  const replace = (usedStep = 100) =>
    stores.database.write((tx) =>
      stores.credentials.replaceAll(tx, id, { passwordHash: 'hash', totp: { secret, usedStep } }),
    );
  return { ...stores, id, secret, codes: await replace(), replace };
}

describe('a TOTP secret', () => {
  it('is stored sealed, for one account only', async () => {
    const { credentials, database, accounts, id, secret } = await openCredentials();
    expect(Buffer.from((await credentials.findTotpSecret(id)) ?? [])).toEqual(Buffer.from(secret));
    const rows = await database.read((db) => db.selectFrom('totp_secrets').selectAll().execute());
    expect(JSON.stringify(rows)).not.toContain(Buffer.from(secret).toString('base64url'));
    // Somebody who can write to the table gives the secret to another account.
    const other = await accounts.create(newAccount({ role: 'doctor', email: 'bea@example.org' }));
    const [bea] = await database.read((db) =>
      db.selectFrom('accounts').select('id').where('login_key', '=', 'bea@example.org').execute(),
    );
    await database.write((tx) =>
      tx
        .updateTable('totp_secrets')
        .set({ account_id: bea?.id ?? Buffer.alloc(0) })
        .execute(),
    );
    await expect(credentials.findTotpSecret(other.id)).rejects.toMatchObject({ fault: 'not-authentic' });
  });

  it('accepts each time step once, and no earlier one', async () => {
    const { credentials, id } = await openCredentials();
    expect(await credentials.useTotpStep(id, 100)).toBe(false);
    expect(await credentials.useTotpStep(id, 102)).toBe(true);
    expect(await credentials.useTotpStep(id, 102)).toBe(false);
    expect(await credentials.useTotpStep(id, 101)).toBe(false);
    expect(await credentials.useTotpStep(id, 103)).toBe(true);
  });

  it('accepts one of many simultaneous uses of a time step', async () => {
    const { credentials, id } = await openCredentials();
    const uses = await Promise.all(Array.from({ length: 8 }, () => credentials.useTotpStep(id, 200)));
    expect(uses.filter(Boolean)).toHaveLength(1);
  });
});

describe('a recovery code', () => {
  it('is accepted once, also when it is used simultaneously', async () => {
    const { credentials, id, codes } = await openCredentials();
    expect(new Set(codes).size).toBe(10);
    const [code = ''] = codes;
    const uses = await Promise.all(Array.from({ length: 8 }, () => credentials.useRecoveryCode(id, code)));
    expect(uses.filter(Boolean)).toHaveLength(1);
    expect(await credentials.useRecoveryCode(id, code)).toBe(false);
    expect(await credentials.countRecoveryCodes(id)).toBe(9);
  });

  it('is for its account only, and is not in the table', async () => {
    const { credentials, accounts, database, codes } = await openCredentials();
    const other = await accounts.create(newAccount({ email: 'bea@example.org' }));
    expect(await credentials.useRecoveryCode(other.id, codes[0] ?? '')).toBe(false);
    const rows = await database.read((db) => db.selectFrom('recovery_codes').selectAll().execute());
    for (const code of codes) expect(JSON.stringify(rows)).not.toContain(code);
  });

  it('of before is not accepted after all credentials were replaced', async () => {
    const { credentials, id, codes, replace } = await openCredentials();
    const renewed = await replace();
    expect(await credentials.useRecoveryCode(id, codes[0] ?? '')).toBe(false);
    expect(await credentials.useRecoveryCode(id, renewed[0] ?? '')).toBe(true);
  });
});
