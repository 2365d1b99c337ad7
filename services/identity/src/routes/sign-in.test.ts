import { describe, expect, it } from 'vitest';
import { createPasswordHasher } from '../credentials/password-hasher.ts';
import { formTo, newAccount, PASSWORD, PUBLIC_URL, startIdentity } from '../testing.ts';

/** Random in each page. */
const CHALLENGE = /(?<=challenge&quot;:&quot;)[\w-]+/;
const SIGN_IN = '/identity/sign-in';
const SESSIONS = `${PUBLIC_URL}/identity/sessions`;
const WRONG = 'The e-mail address or the password is wrong.';

describe('signing in', () => {
  it('takes a patient from the password to the session, by real argon2', async () => {
    const { addPerson, newBrowser } = await startIdentity({ hasher: createPasswordHasher() });
    await addPerson('patient');
    const browser = newBrowser();
    const page = await browser.request(SIGN_IN);
    const signedIn = await browser.submit(page, { email: ' Ana@Example.org', password: PASSWORD });
    expect([signedIn.status, signedIn.location]).toEqual([303, SESSIONS]);
    const sessions = await browser.follow(signedIn);
    expect(sessions.text).toContain('You are Ana Silva');
    expect(sessions.text).toContain('Firefox on Linux');
  });

  it('takes staff from the password to the code, and only then to the session', async () => {
    const { addPerson, newBrowser, codeOf } = await startIdentity();
    const doctor = await addPerson('doctor');
    const browser = newBrowser();
    const first = await browser.submit(await browser.request(SIGN_IN), { email: doctor.email, password: PASSWORD });
    expect(first.location).toBe(`${PUBLIC_URL}/identity/sign-in/code`);
    expect((await browser.request('/identity/sessions')).location).toContain(SIGN_IN);
    const codePage = await browser.follow(first);
    expect(codePage.text).toContain('autocomplete="one-time-code"');
    const last = await browser.submit(codePage, { code: codeOf(doctor) });
    expect([last.status, last.location]).toEqual([303, SESSIONS]);
    expect((await browser.follow(last)).text).toContain('unused recovery codes');
  });

  it('accepts a recovery code in the place of the app, once', async () => {
    const { addPerson, newBrowser } = await startIdentity();
    const doctor = await addPerson('doctor');
    const [code = ''] = doctor.recoveryCodes;
    const enter = async () => {
      const browser = newBrowser();
      const first = await browser.submit(await browser.request(SIGN_IN), { email: doctor.email, password: PASSWORD });
      return browser.submit(await browser.follow(first), { code: code.toLowerCase().replaceAll('-', ' ') });
    };
    expect((await enter()).status).toBe(303);
    expect((await enter()).status).toBe(422);
  });

  it('refuses staff without a second factor, and only after the right password', async () => {
    const { addPerson, database, newBrowser } = await startIdentity();
    const { email } = await addPerson('front-desk');
    await database.write((tx) => tx.deleteFrom('totp_secrets').execute());
    const browser = newBrowser();
    const wrong = await browser.submit(await browser.request(SIGN_IN), { email, password: 'another' });
    expect(wrong.text).not.toContain('authenticator app');
    const right = await browser.submit(await browser.request(SIGN_IN), { email, password: PASSWORD });
    expect([right.status, right.text.includes('authenticator app')]).toEqual([422, true]);
    expect(browser.cookies.has('__Host-daybook')).toBe(false);
  });

  it('continues at a path of this site, and at no other site', async () => {
    const { addPerson, newBrowser } = await startIdentity();
    const { email } = await addPerson();
    const enter = async (returnTo: string) => {
      const browser = newBrowser();
      const page = await browser.request(`${SIGN_IN}?${new URLSearchParams({ return_to: returnTo })}`);
      return (await browser.submit(page, { email, password: PASSWORD })).location;
    };
    expect(await enter('/calendar?day=1')).toBe(`${PUBLIC_URL}/calendar?day=1`);
    for (const elsewhere of ['https://evil.example', '//evil.example', '/\\evil.example', '/.//evil.example']) {
      expect(await enter(elsewhere)).toBe(SESSIONS);
    }
    // A person may also change the hidden field.
    const browser = newBrowser();
    const page = await browser.request(SIGN_IN);
    const changed = await browser.submit(page, { email, password: PASSWORD, return_to: 'https://evil.example' });
    expect(changed.location).toBe(SESSIONS);
  });
});

describe('a failed sign-in', () => {
  it('is the same for a wrong password, an unknown, a disabled and an invited account', async () => {
    const { addPerson, accounts, newBrowser, verified } = await startIdentity();
    const { id } = await addPerson('patient', { email: 'known@example.org' });
    const disabled = await addPerson('patient', { email: 'disabled@example.org' });
    await accounts.setStatus(disabled.id, 'disabled');
    await accounts.create(newAccount({ email: 'invited@example.org', status: 'invited' }));
    const enter = async (email: string, password: string) => {
      const browser = newBrowser();
      const page = await browser.submit(await browser.request(SIGN_IN), { email, password });
      const { form_token: token = '' } = formTo(page, SIGN_IN).fields;
      return {
        status: page.status,
        text: page.text.replaceAll(email, 'EMAIL').replaceAll(token, 'TOKEN').replace(CHALLENGE, 'CHALLENGE'),
      };
    };
    const pages = [
      await enter('known@example.org', 'wrong'),
      await enter('unknown@example.org', PASSWORD),
      await enter('disabled@example.org', PASSWORD),
      await enter('invited@example.org', PASSWORD),
    ];
    expect(pages[0]?.text).toContain(WRONG);
    for (const page of pages) expect(page).toEqual(pages[0]);
    // Each of them costs the time of one comparison.
    expect(verified).toHaveLength(4);
    expect(await accounts.find(id)).toBeDefined();
  });

  it('names the problem in a summary with the focus, and in the field', async () => {
    const { newBrowser } = await startIdentity();
    const browser = newBrowser();
    const { text } = await browser.submit(await browser.request(SIGN_IN), { email: '"><b>x', password: 'wrong' });
    expect(text).toContain('<title>Error: Sign in – Daybook</title>');
    expect(text).toContain('<div class="summary" role="alert" tabindex="-1" autofocus');
    expect(text).toContain(`<li><a href="#email">${WRONG}</a></li>`);
    expect(text).toContain('aria-describedby="email-fault" aria-invalid="true"');
    expect(text).toContain('value="&quot;&gt;&lt;b&gt;x"');
    expect(text).not.toContain('<b>');
  });

  it('is slowed down, with the time to wait', async () => {
    const { addPerson, newBrowser } = await startIdentity();
    const { email } = await addPerson();
    const browser = newBrowser();
    const enter = async (password: string) => browser.submit(await browser.request(SIGN_IN), { email, password });
    for (let count = 0; count < 3; count += 1) expect((await enter('wrong')).status).toBe(422);
    const throttled = await enter(PASSWORD);
    expect(throttled.status).toBe(429);
    expect(Number(throttled.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(throttled.text).toContain('Try again in');
    const owner = newBrowser();
    expect((await owner.submit(await owner.request(SIGN_IN), { email, password: PASSWORD })).status).toBe(303);
  });

  it('of others never slows down a browser that has signed in before', async () => {
    const { addPerson, newBrowser, signIn } = await startIdentity();
    const ana = await addPerson();
    const browser = newBrowser();
    await signIn(browser, ana);
    // Somebody at the same address, such as that of a clinic.
    const stranger = newBrowser();
    for (let count = 0; count < 6; count += 1) {
      const headers = { 'x-forwarded-for': '203.0.113.1' };
      const page = await stranger.request(SIGN_IN);
      const form = { ...formTo(page, SIGN_IN).fields, email: ana.email, password: 'wrong' };
      await stranger.request(SIGN_IN, { form, headers });
    }
    expect(
      (await browser.submit(await browser.request(SIGN_IN), { email: ana.email, password: PASSWORD })).status,
    ).toBe(303);
  });

  it('is not counted when too many people sign in for it to be checked', async () => {
    const { Refusal } = await import('@daybook/contracts');
    let isBusy = true;
    const hasher = {
      hash: async (password: string) => password,
      async verify(password: string, hash: string | undefined) {
        if (isBusy) throw new Refusal('service-unavailable', 'Too many.', { retryAfterSeconds: 2 });
        return password === hash;
      },
    };
    const { addPerson, newBrowser } = await startIdentity({ hasher });
    const { email } = await addPerson();
    const browser = newBrowser();
    const enter = async () => browser.submit(await browser.request(SIGN_IN), { email, password: PASSWORD });
    for (let count = 0; count < 5; count += 1) {
      const { status, headers } = await enter();
      expect([status, headers.get('retry-after'), headers.get('content-type')]).toEqual([
        503,
        '2',
        'text/html; charset=utf-8',
      ]);
    }
    isBusy = false;
    expect((await enter()).status).toBe(303);
  });
});

describe('a code', () => {
  it('is accepted once, for one of two simultaneous sign-ins', async () => {
    const { addPerson, newBrowser, codeOf } = await startIdentity();
    const doctor = await addPerson('doctor');
    const code = codeOf(doctor);
    const atCode = async () => {
      const browser = newBrowser();
      const first = await browser.submit(await browser.request(SIGN_IN), { email: doctor.email, password: PASSWORD });
      return { browser, page: await browser.follow(first) };
    };
    const waiting = [await atCode(), await atCode(), await atCode()];
    const results = await Promise.all(waiting.map(({ browser, page }) => browser.submit(page, { code })));
    expect(results.map(({ status }) => status).sort()).toEqual([303, 422, 422]);
    const later = await atCode();
    expect((await later.browser.submit(later.page, { code })).status).toBe(422);
  });

  it('makes one session when a form is sent twice with two valid codes', async () => {
    const { addPerson, newBrowser, codeOf, sessions } = await startIdentity();
    const doctor = await addPerson('doctor');
    const browser = newBrowser();
    const first = await browser.submit(await browser.request(SIGN_IN), { email: doctor.email, password: PASSWORD });
    const page = await browser.follow(first);
    const [recovery = ''] = doctor.recoveryCodes;
    await Promise.all([browser.submit(page, { code: codeOf(doctor) }), browser.submit(page, { code: recovery })]);
    expect(await sessions.list(doctor.id)).toHaveLength(1);
  });

  it('can be entered five times, and then the password is needed again', async () => {
    const { addPerson, newBrowser, codeOf } = await startIdentity();
    const doctor = await addPerson('doctor');
    const browser = newBrowser();
    const first = await browser.submit(await browser.request(SIGN_IN), { email: doctor.email, password: PASSWORD });
    const page = await browser.follow(first);
    for (let count = 0; count < 5; count += 1) {
      expect((await browser.submit(page, { code: '000000' === codeOf(doctor) ? '111111' : '000000' })).status).toBe(
        422,
      );
    }
    const last = await browser.submit(page, { code: codeOf(doctor) });
    expect(last.location).toContain(SIGN_IN);
    expect((await browser.request('/identity/sessions')).location).toContain(SIGN_IN);
  });

  it('is slowed down for an account, however often the password is entered', async () => {
    const { addPerson, newBrowser } = await startIdentity();
    const doctor = await addPerson('doctor');
    const statuses: number[] = [];
    for (let count = 0; count < 3; count += 1) {
      const browser = newBrowser();
      const first = await browser.submit(await browser.request(SIGN_IN), { email: doctor.email, password: PASSWORD });
      const page = await browser.follow(first);
      for (let tries = 0; tries < 4; tries += 1) statuses.push((await browser.submit(page, { code: 'AAAA' })).status);
    }
    expect(statuses.slice(0, 10)).toEqual(Array(10).fill(422));
    expect(statuses[10]).toBe(429);
  });

  it('of a disabled account is not accepted any more', async () => {
    const { addPerson, accounts, newBrowser, codeOf } = await startIdentity();
    const doctor = await addPerson('doctor');
    const browser = newBrowser();
    const first = await browser.submit(await browser.request(SIGN_IN), { email: doctor.email, password: PASSWORD });
    const page = await browser.follow(first);
    await accounts.setStatus(doctor.id, 'disabled');
    expect((await browser.submit(page, { code: codeOf(doctor) })).location).toContain(SIGN_IN);
  });
});

describe('nothing personal', () => {
  it('is in the log or in an address, whatever happens', async () => {
    const { addPerson, newBrowser, signIn, log } = await startIdentity();
    const doctor = await addPerson('doctor', { email: 'secretname@example.org', displayName: 'Secretname' });
    const browser = newBrowser();
    await browser.submit(await browser.request(SIGN_IN), { email: doctor.email, password: 'wrong' });
    await browser.request(SIGN_IN, { form: { email: doctor.email } });
    const page = await signIn(browser, doctor);
    expect(page.text).toContain('Secretname');
    const written = log.join('');
    for (const text of ['secretname', 'Secretname', PASSWORD, ...browser.cookies.values().map(({ value }) => value)]) {
      expect(written).not.toContain(text);
    }
  });
});
