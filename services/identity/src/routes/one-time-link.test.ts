import { describe, expect, it } from 'vitest';
import { totpCodeOf, totpStepAt } from '../credentials/totp.ts';
import { newAccount, PASSWORD, type Seen, startIdentity } from '../testing.ts';

const NEW_PASSWORD = 'orange ladder beneath the clouds';
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Reads the key of a page, as an authenticator app does. */
function secretOn({ text }: Seen): Buffer {
  const shown = /<code>([A-Z2-7 ]+)<\/code>/.exec(text)?.[1]?.replaceAll(' ', '') ?? expect.fail('no key is shown');
  const bits = [...shown].map((letter) => BASE32.indexOf(letter).toString(2).padStart(5, '0')).join('');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}

async function startWithLink() {
  const started = await startIdentity();
  const { clock, newBrowser, links } = started;
  const codeOn = (page: Seen) => totpCodeOf(secretOn(page), totpStepAt(clock().epochMilliseconds));
  const open = async (token: string) => {
    const browser = newBrowser();
    return { browser, page: await browser.request(`/identity/link?token=${token}`) };
  };
  const first = { email: 'root@example.org', display_name: 'Rosa Root', password: NEW_PASSWORD };
  return { ...started, codeOn, open, first, token: await links.create({ purpose: 'first-administrator' }) };
}

describe('the first administrator', () => {
  it('sets a password and an app by a one-time link, and is signed in', async () => {
    const { open, token, first, codeOn, accounts } = await startWithLink();
    const { browser, page } = await open(token);
    expect(page.text).toContain('autocomplete="new-password"');
    const done = await browser.submit(page, { ...first, code: codeOn(page) });
    expect(done.status).toBe(200);
    expect(done.text.match(/<li>[\w-]{19}<\/li>/g)).toHaveLength(10);
    const sessions = await browser.request('/identity/sessions');
    expect(sessions.text).toContain('You are Rosa Root');
    expect(await accounts.findForSignIn('root@example.org')).toMatchObject({
      account: { role: 'administrator', status: 'active' },
      hasTotp: true,
    });
  });

  it('signs in with them afterwards, but not with the code of the set-up', async () => {
    const { open, token, first, codeOn, newBrowser, advance, clock } = await startWithLink();
    const { browser, page } = await open(token);
    const secret = secretOn(page);
    const code = codeOn(page);
    await browser.submit(page, { ...first, code });
    const another = newBrowser();
    const { email, password } = first;
    const step = await another.follow(
      await another.submit(await another.request('/identity/sign-in'), { email, password }),
    );
    expect((await another.submit(step, { code })).status).toBe(422);
    advance({ seconds: 60 });
    const later = totpCodeOf(secret, totpStepAt(clock().epochMilliseconds));
    expect((await another.submit(step, { code: later })).status).toBe(303);
  });

  it('is one person, when a link is used twice simultaneously', async () => {
    const { open, token, first, codeOn, database } = await startWithLink();
    const opened = [await open(token), await open(token), await open(token)];
    const results = await Promise.all(
      opened.map(({ browser, page }, n) =>
        browser.submit(page, { ...first, email: `root${n}@example.org`, code: codeOn(page) }),
      ),
    );
    expect(results.map(({ status }) => status).sort()).toEqual([200, 410, 410]);
    expect(await database.read((db) => db.selectFrom('accounts').select('email').execute())).toHaveLength(1);
  });

  it('is not made by a link once there is an administrator', async () => {
    const { open, token, first, codeOn, addPerson } = await startWithLink();
    const { browser, page } = await open(token);
    await addPerson('administrator');
    expect((await browser.submit(page, { ...first, code: codeOn(page) })).status).toBe(410);
  });

  it.each([
    ['a weak password', { password: 'passwordpassword' }, 'password', 'easily guessed'],
    ['a short password', { password: 'short' }, 'password', 'at least 15'],
    ['no e-mail address', { email: 'root' }, 'email', 'Enter an e-mail address'],
    ['no name', { display_name: ' ' }, 'display_name', 'Enter your name'],
    ['a wrong code', { code: '12345' }, 'code', 'Enter the code'],
  ])('sees a fault for %s, and keeps the key of the app', async (_what, change, fieldId, message) => {
    const { open, token, first, codeOn, database } = await startWithLink();
    const { browser, page } = await open(token);
    const again = await browser.submit(page, { ...first, code: codeOn(page), ...change });
    expect(again.status).toBe(422);
    expect(again.text).toContain(`<a href="#${fieldId}">`);
    expect(again.text).toContain(message);
    expect(secretOn(again)).toEqual(secretOn(page));
    expect(await database.read((db) => db.selectFrom('accounts').select('email').execute())).toEqual([]);
    expect((await browser.submit(again, { ...first, code: codeOn(again) })).status).toBe(200);
  });
});

describe('a one-time link', () => {
  it('that is unknown, wrong or over shows one and the same page', async () => {
    const { open, token, advance } = await startWithLink();
    const pages = [await open('x'), await open('A'.repeat(43)), await open('<script>')];
    advance({ hours: 72 });
    pages.push(await open(token));
    for (const { page } of pages) expect([page.status, page.text]).toEqual([410, pages[0]?.page.text]);
  });

  it('ends after five wrong codes', async () => {
    const { open, token, first } = await startWithLink();
    const { browser, page } = await open(token);
    for (let count = 0; count < 5; count += 1) {
      expect((await browser.submit(page, { ...first, code: '000000' })).status).toBe(422);
    }
    expect((await browser.submit(page, { ...first, code: '000000' })).status).toBe(410);
  });

  it('does not accept the key of another link', async () => {
    const { open, token, first, codeOn, links, accounts } = await startWithLink();
    const { id: accountId } = await accounts.create(newAccount({ role: 'doctor', status: 'invited' }));
    const other = await open(await links.create({ purpose: 'invitation', accountId }));
    const { browser, page } = await open(token);
    const sealed = /name="totp_secret" value="([^"]+)"/.exec(other.page.text)?.[1] ?? '';
    const refused = await browser.submit(page, { ...first, totp_secret: sealed, code: codeOn(other.page) });
    expect(refused.status).toBe(422);
  });

  it('lets an invited patient set a password, without an app', async () => {
    const { open, links, accounts, newBrowser, signIn, sessions } = await startWithLink();
    const { id: accountId, email } = await accounts.create(newAccount({ status: 'invited' }));
    const { browser, page } = await open(await links.create({ purpose: 'invitation', accountId }));
    expect(page.text).not.toContain('Authenticator app');
    expect((await browser.submit(page, { password: NEW_PASSWORD })).status).toBe(303);
    expect(await sessions.list(accountId)).toHaveLength(1);
    const another = newBrowser();
    const wrong = await signIn(another, {
      id: accountId,
      role: 'patient',
      email,
      totpSecret: undefined,
      recoveryCodes: [],
    });
    expect(wrong.status).toBe(422);
    const right = await another.submit(await another.request('/identity/sign-in'), { email, password: NEW_PASSWORD });
    expect(right.status).toBe(303);
  });

  it('for recovery replaces password, app and recovery codes, and ends all sessions', async () => {
    const { open, links, addPerson, newBrowser, signIn, codeOn, sessions, credentials } = await startWithLink();
    const doctor = await addPerson('doctor');
    const lost = newBrowser();
    await signIn(lost, doctor);
    const { browser, page } = await open(await links.create({ purpose: 'recovery', accountId: doctor.id }));
    const done = await browser.submit(page, { password: NEW_PASSWORD, code: codeOn(page) });
    expect(done.status).toBe(200);
    expect(await sessions.list(doctor.id)).toHaveLength(1);
    expect((await lost.request('/identity/sessions')).location).toContain('/identity/sign-in');
    expect(await credentials.useRecoveryCode(doctor.id, doctor.recoveryCodes[0] ?? '')).toBe(false);
    const old = newBrowser();
    const refused = await old.submit(await old.request('/identity/sign-in'), {
      email: doctor.email,
      password: PASSWORD,
    });
    expect(refused.status).toBe(422);
  });

  it('of a disabled account opens nothing', async () => {
    const { open, links, addPerson, accounts } = await startWithLink();
    const { id: accountId } = await addPerson('doctor');
    const token = await links.create({ purpose: 'recovery', accountId });
    await accounts.setStatus(accountId, 'disabled');
    expect((await open(token)).page.status).toBe(410);
  });
});
