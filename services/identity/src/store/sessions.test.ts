import { describe, expect, it } from 'vitest';
import { newAccount, openStores } from '../testing.ts';
import { MAX_SESSIONS } from './sessions.ts';

async function openSessions(role: 'patient' | 'doctor' = 'doctor') {
  const stores = await openStores();
  const account = await stores.accounts.create(newAccount({ role }));
  const start = (device = 'Firefox on Linux') => stores.sessions.start({ account, methods: ['pwd', 'otp'], device });
  const find = (id: string) => stores.sessions.find(id, { isActive: false });
  const use = (id: string) => stores.sessions.find(id, { isActive: true });
  return { ...stores, account, start, find, use };
}

describe('a session', () => {
  it('is found by its id, which is not in the table', async () => {
    const { database, account, start, find } = await openSessions();
    const id = await start();
    expect(await find(id)).toMatchObject({
      account: { id: account.id },
      session: { methods: ['pwd', 'otp'], device: 'Firefox on Linux' },
    });
    const [row] = await database.read((db) => db.selectFrom('sessions').selectAll().execute());
    expect(JSON.stringify(row)).not.toContain(id);
    // The table of a thief opens nothing.
    expect(await find(Buffer.from(row?.id_hash ?? []).toString('base64url'))).toBeUndefined();
    expect(await find(Buffer.from(row?.id_hash ?? []).toString('hex'))).toBeUndefined();
  });

  it('of staff ends after 15 minutes without activity', async () => {
    const { advance, start, use } = await openSessions();
    const id = await start();
    advance({ minutes: 14 });
    expect(await use(id)).toBeDefined();
    advance({ minutes: 14 });
    expect(await use(id)).toBeDefined();
    advance({ minutes: 15 });
    expect(await use(id)).toBeUndefined();
  });

  it('is not renewed by requests that are not activity', async () => {
    const { advance, start, find } = await openSessions();
    const id = await start();
    advance({ minutes: 14 });
    expect(await find(id)).toBeDefined();
    advance({ minutes: 1 });
    expect(await find(id)).toBeUndefined();
  });

  it('of staff ends after 12 hours, whatever the activity', async () => {
    const { advance, start, use } = await openSessions();
    const id = await start();
    for (let minutes = 0; minutes < 12 * 60 - 10; minutes += 10) {
      advance({ minutes: 10 });
      expect(await use(id)).toBeDefined();
    }
    advance({ minutes: 10 });
    expect(await use(id)).toBeUndefined();
  });

  it('of a patient lasts for an hour without activity', async () => {
    const { advance, start, use } = await openSessions('patient');
    const id = await start();
    advance({ minutes: 59 });
    expect(await use(id)).toBeDefined();
    advance({ minutes: 60 });
    expect(await use(id)).toBeUndefined();
  });

  it('ends the oldest when there are too many', async () => {
    const { sessions, account, advance, start, find } = await openSessions();
    const oldest = await start('the oldest');
    for (let count = 1; count < MAX_SESSIONS; count += 1) {
      advance({ seconds: 1 });
      await start();
    }
    expect(await find(oldest)).toBeDefined();
    advance({ seconds: 1 });
    await start();
    expect(await find(oldest)).toBeUndefined();
    expect(await sessions.list(account.id)).toHaveLength(MAX_SESSIONS);
  });

  it('is ended by its own account only', async () => {
    const { sessions, accounts, account, start, find } = await openSessions();
    const other = await accounts.create(newAccount({ email: 'bea@example.org' }));
    const id = await start();
    const handle = (await find(id))?.session.handle ?? '';
    await sessions.endByHandle(other.id, handle);
    expect(await find(id)).toBeDefined();
    await sessions.endByHandle(account.id, handle);
    expect(await find(id)).toBeUndefined();
  });

  it('stays when its person ends all others', async () => {
    const { sessions, account, start, find } = await openSessions();
    const [one, two] = [await start(), await start()];
    await sessions.endOthers(account.id, (await find(one))?.session.handle ?? '');
    expect([await find(one), await find(two)]).toEqual([expect.anything(), undefined]);
  });
});

describe('a session of oidc-provider', () => {
  it('ends with the sign-in session that it belongs to', async () => {
    const { sessions, account, start, find } = await openSessions();
    const id = await start();
    expect(await sessions.attachOidc('uid', (await find(id))?.session.handle ?? '')).toBe(true);
    expect(await sessions.findByOidc('uid')).toMatchObject({ account: { id: account.id } });
    await sessions.end(id);
    expect(await sessions.findByOidc('uid')).toBeUndefined();
  });

  it('moves to the sign-in session that it is attached to last', async () => {
    const { sessions, start, find } = await openSessions();
    const [one, two] = [await start(), await start()];
    for (const id of [one, two]) await sessions.attachOidc('uid', (await find(id))?.session.handle ?? '');
    await sessions.end(one);
    expect(await sessions.findByOidc('uid')).toBeDefined();
  });

  it('is not attached to a session that has ended', async () => {
    const { sessions, start, find } = await openSessions();
    const id = await start();
    const handle = (await find(id))?.session.handle ?? '';
    await sessions.end(id);
    expect(await sessions.attachOidc('uid', handle)).toBe(false);
  });
});
