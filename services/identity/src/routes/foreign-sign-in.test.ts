/** People sign in at a foreign issuer, an oidc-provider over real sockets. */
import { newId } from '@daybook/database';
import { WebClient } from '@daybook/testing/web-client';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Falsify, type ForeignSubject, startForeignIssuer } from '../foreign/testing.ts';
import { loadLibrary } from '../oidc/library.ts';
import { type Browser, newAccount, openStores, PUBLIC_URL, type Seen, startIdentity } from '../testing.ts';

const START = '/identity/foreign/sign-in';
const HOME = `${PUBLIC_URL}/identity/sessions`;
const COOKIE = '__Host-daybook';
const doris: ForeignSubject = { sub: 'doris', name: 'Doris Doctor', email: 'doris@clinic.example', roles: ['doctor'] };

// Loading them takes longer than a request may, on a machine that is busy with other tests.
beforeAll(async () => void (await Promise.all([loadLibrary(), import('openid-client')])), 120_000);

async function startClinic(stores?: Awaited<ReturnType<typeof openStores>>, roleClaim = 'roles') {
  const issuer = await startForeignIssuer();
  const identity = await startIdentity({ foreign: { ...issuer.settings, roleClaim }, ...(stores && { stores }) });
  const { newBrowser } = identity;
  await expect.poll(async () => (await newBrowser().request(START)).status, { timeout: 10_000 }).toBe(303);

  /** Goes to the issuer and through the sign-in there. Returns the address that leads back. */
  async function comeBack(browser: Browser, subject: ForeignSubject, path = START, there?: WebClient) {
    const away = await browser.request(path);
    return issuer.signIn(subject, away.location ?? expect.fail(`the browser stays: ${away.text}`), there);
  }

  /** Signs a person in, and returns the response to the callback. */
  const signIn = async (browser: Browser, subject: ForeignSubject, path = START): Promise<Seen> =>
    browser.request(await comeBack(browser, subject, path));

  async function accountsFound() {
    const rows = await identity.database.read((db) => db.selectFrom('accounts').selectAll().orderBy('id').execute());
    return rows.map(({ role, display_name, email, login_key }) => ({ role, display_name, email, login_key }));
  }

  /** Returns the session of a browser. */
  const sessionOf = (browser: Browser) =>
    identity.sessions.find(browser.cookies.get(COOKIE)?.value ?? '', { isActive: false });

  async function audited(): Promise<string[]> {
    const rows = await identity.database.read((db) =>
      db.selectFrom('audit_entries').select(['action', 'detail']).orderBy('position').execute(),
    );
    return rows.map(({ action, detail }) => `${action} ${detail}`);
  }

  return { ...identity, issuer, comeBack, signIn, accountsFound, sessionOf, audited };
}

describe('a sign-in at the foreign issuer', () => {
  it('makes an account at first, with the role, the name and the address of the issuer', async () => {
    const { newBrowser, signIn, accountsFound, audited, sessionOf, log } = await startClinic();
    const browser = newBrowser();
    const seen = await signIn(browser, doris);
    expect([seen.status, seen.location]).toEqual([303, HOME]);
    expect((await browser.follow(seen)).text).toContain('You are Doris Doctor');
    const [account] = await accountsFound();
    expect(account).toMatchObject({ role: 'doctor', display_name: 'Doris Doctor', email: 'doris@clinic.example' });
    expect(await audited()).toEqual(['account-created foreign', 'sign-in foreign']);
    const signedIn = await sessionOf(browser);
    expect(signedIn?.session.methods).toEqual(['foreign']);
    expect(signedIn?.account.doctorId).toBeUndefined();
    for (const text of ['Doris', 'doris', 'code=']) expect(log.join('')).not.toContain(text);
  });

  it('is the first choice of the sign-in page, and accounts of Daybook go on', async () => {
    const { newBrowser, addPerson, signIn: _, issuer, codeOf } = await startClinic();
    const admin = await addPerson('administrator');
    const browser = newBrowser();
    const page = await browser.request('/identity/sign-in?return_to=/calendar');
    const link = `<a class="button" href="${START}?return_to=%2Fcalendar">Sign in at ${new URL(issuer.url).host}</a>`;
    expect(page.text.indexOf(link)).toBeGreaterThan(0);
    expect(page.text.indexOf(link)).toBeLessThan(page.text.indexOf('<details>'));
    const wrong = await browser.submit(page, { email: admin.email, password: 'wrong' });
    expect(wrong.text).toContain('<details open>');
    const first = await browser.submit(page, { email: admin.email, password: 'violet teapot over the harbour' });
    const last = await browser.submit(await browser.follow(first), { code: codeOf(admin) });
    expect(last.location).toBe(`${PUBLIC_URL}/calendar`);
  });

  it('continues at a path of this site, and at no other', async () => {
    const { newBrowser, signIn } = await startClinic();
    expect((await signIn(newBrowser(), doris, `${START}?return_to=/calendar?day=1`)).location).toBe(
      `${PUBLIC_URL}/calendar?day=1`,
    );
    expect((await signIn(newBrowser(), doris, `${START}?return_to=//evil.example`)).location).toBe(HOME);
  });

  it('finds the account again by the subject, and takes over another name and address', async () => {
    const { newBrowser, signIn, accountsFound } = await startClinic();
    await signIn(newBrowser(), doris);
    await signIn(newBrowser(), { ...doris, name: 'Doris Dean', email: 'dean@clinic.example' });
    expect(await accountsFound()).toEqual([
      expect.objectContaining({ display_name: 'Doris Dean', email: 'dean@clinic.example' }),
    ]);
  });

  it('is never linked by e-mail to an account or a patient', async () => {
    const { newBrowser, addPerson, signIn, accountsFound, sessionOf } = await startClinic();
    const local = await addPerson('administrator', { email: 'doris@clinic.example' });
    const browser = newBrowser();
    await signIn(browser, { ...doris, roles: 'patient' });
    const signedIn = await sessionOf(browser);
    expect(signedIn?.account).toMatchObject({ role: 'patient', isForeign: true });
    expect(signedIn?.account.id).not.toBe(local.id);
    expect(await accountsFound()).toHaveLength(2);
  });

  it('of the same subject at another issuer is another person', async () => {
    const stores = await openStores();
    const one = await startClinic(stores);
    await one.signIn(one.newBrowser(), doris);
    const other = await startClinic(stores);
    const browser = other.newBrowser();
    await other.signIn(browser, { ...doris, roles: 'front-desk' });
    expect((await one.accountsFound()).map(({ role }) => role).sort()).toEqual(['doctor', 'front-desk']);
    expect((await other.sessionOf(browser))?.account.role).toBe('front-desk');
  });

  it('of one person twice simultaneously makes one account', async () => {
    const { newBrowser, comeBack, accountsFound } = await startClinic();
    const browsers = [newBrowser(), newBrowser(), newBrowser()];
    const back: { browser: Browser; address: string }[] = [];
    for (const browser of browsers) back.push({ browser, address: await comeBack(browser, doris) });
    const seen = await Promise.all(back.map(({ browser, address }) => browser.request(address)));
    expect(seen.map(({ status }) => status)).toEqual([303, 303, 303]);
    expect(await accountsFound()).toHaveLength(1);
  });
});

describe('the role', () => {
  it('that is missing, unknown, ambiguous or not ours gives no access, and makes no account', async () => {
    const { newBrowser, signIn, accountsFound, audited } = await startClinic();
    const wrong = [undefined, null, ['nurse'], ['doctor', 'administrator'], [{ role: 'doctor' }], 'Doctor', 'service'];
    for (const roles of wrong) {
      const browser = newBrowser();
      const seen = await signIn(browser, { sub: 'nora', name: 'Nora', roles });
      expect([seen.status, seen.text.includes('has no role for Daybook')], String(roles)).toEqual([403, true]);
      expect(browser.cookies.has(COOKIE)).toBe(false);
    }
    expect(await accountsFound()).toEqual([]);
    expect(await audited()).toEqual(wrong.map(() => 'sign-in-failed foreign no-role'));
  });

  it('comes from a claim inside of another one', async () => {
    const { newBrowser, signIn, accountsFound } = await startClinic(undefined, 'realm_access.roles');
    await signIn(newBrowser(), { sub: 'k', realm_access: { roles: ['offline_access', 'front-desk'] } });
    expect(await accountsFound()).toEqual([expect.objectContaining({ role: 'front-desk', display_name: '–' })]);
  });

  it('that changes applies at the next sign-in, ends all other sessions and drops the doctor', async () => {
    const { newBrowser, signIn, sessionOf, database, audited } = await startClinic();
    const [old, next] = [newBrowser(), newBrowser()];
    await signIn(old, doris);
    await database.write((tx) =>
      tx
        .updateTable('accounts')
        .set({ doctor_id: Buffer.alloc(16, 1) })
        .execute(),
    );
    await signIn(next, { ...doris, roles: ['front-desk'] });
    expect(await sessionOf(old)).toBeUndefined();
    const account = (await sessionOf(next))?.account;
    expect([account?.role, account?.doctorId]).toEqual(['front-desk', undefined]);
    expect((await audited()).slice(2)).toEqual(['account-changed role', 'sign-in foreign']);
  });

  it('that stays the same leaves the other sessions and the doctor alone', async () => {
    const { newBrowser, signIn, sessionOf, database } = await startClinic();
    const [old, next] = [newBrowser(), newBrowser()];
    await signIn(old, doris);
    await database.write((tx) =>
      tx
        .updateTable('accounts')
        .set({ doctor_id: Buffer.alloc(16, 1) })
        .execute(),
    );
    await signIn(next, doris);
    expect((await sessionOf(old))?.account.doctorId).toBeDefined();
  });

  it('that is removed ends all sessions and refuses the sign-in, until it is back', async () => {
    const { newBrowser, signIn, sessionOf, accountsFound } = await startClinic();
    const browser = newBrowser();
    await signIn(browser, doris);
    expect((await signIn(newBrowser(), { ...doris, roles: [] })).status).toBe(403);
    expect(await sessionOf(browser)).toBeUndefined();
    expect((await signIn(browser, doris)).status).toBe(303);
    expect(await accountsFound()).toHaveLength(1);
  });

  it('is changed at the issuer, and not by the API', async () => {
    const { newBrowser, signIn, sessionOf, addPerson, callAs } = await startClinic();
    const browser = newBrowser();
    await signIn(browser, doris);
    const { account } = (await sessionOf(browser)) ?? expect.fail('there is no session');
    const call = await callAs(await addPerson('administrator', { email: 'admin@example.org' }));
    const patch = (body: object, version: number) =>
      call('PATCH', `/accounts/${account.id}`, body, { 'if-match': `"${version}"` });
    expect((await patch({ role: 'administrator' }, 1)).status).toBe(403);
    const doctorId = newId();
    expect((await patch({ doctorId }, 1)).body).toMatchObject({ doctorId, role: 'doctor' });
  });
});

describe('an account of the foreign issuer', () => {
  it('that is disabled here stays out, whatever is in the claims', async () => {
    const { newBrowser, signIn, sessionOf, accounts } = await startClinic();
    const browser = newBrowser();
    await signIn(browser, doris);
    const { account } = (await sessionOf(browser)) ?? expect.fail('there is no session');
    await accounts.setStatus(account.id, 'disabled');
    const seen = await signIn(newBrowser(), { ...doris, roles: ['administrator'] });
    expect([seen.status, seen.text.includes('Your account is disabled')]).toEqual([403, true]);
    expect((await accounts.find(account.id))?.role).toBe('doctor');
  });

  it('has neither a password nor passkeys here, and gets no one-time link', async () => {
    const { newBrowser, signIn, sessionOf, addPerson, callAs } = await startClinic();
    const browser = newBrowser();
    await signIn(browser, doris);
    for (const path of ['/identity/password', '/identity/passkeys']) {
      const seen = await browser.request(path);
      expect([seen.status, seen.text.includes('account of your organization')]).toEqual([403, true]);
    }
    const { account } = (await sessionOf(browser)) ?? expect.fail('there is no session');
    const call = await callAs(await addPerson('administrator', { email: 'admin@example.org' }));
    const link = await call('POST', `/accounts/${account.id}/recovery-links`, undefined, {
      'idempotency-key': newId(),
    });
    expect([link.status, link.body]).toEqual([409, expect.objectContaining({ code: 'wrong-status' })]);
  });

  it('is not found by its e-mail address, and leaves the address to an account of Daybook', async () => {
    const { newBrowser, signIn, accounts } = await startClinic();
    await signIn(newBrowser(), doris);
    expect(await accounts.findForSignIn('doris@clinic.example')).toBeUndefined();
    await expect(accounts.create(newAccount({ email: 'doris@clinic.example' }))).resolves.toBeDefined();
  });
});

describe('a person who is signed in', () => {
  it('enters credentials again at the issuer, whose time of the sign-in counts', async () => {
    const { newBrowser, signIn, comeBack, sessionOf, clock } = await startClinic();
    const browser = newBrowser();
    const there = new WebClient();
    await browser.request(await comeBack(browser, doris, START, there));
    const away = await browser.request(START);
    const { searchParams } = new URL(away.location ?? '');
    expect([searchParams.get('prompt'), searchParams.get('max_age')]).toEqual(['login', '0']);
    await signIn(browser, doris);
    const at = (await sessionOf(browser))?.session.authenticatedAt ?? expect.fail('there is no session');
    expect(clock().epochMilliseconds - at.epochMilliseconds).toBeLessThan(60_000);
    expect(at.epochMilliseconds % 1_000).toBe(0);
  });

  it('does not count as recently signed in where the claims have no time', async () => {
    const { newBrowser, signIn, sessionOf, clock } = await startClinic();
    const browser = newBrowser();
    await signIn(browser, doris);
    const at = (await sessionOf(browser))?.session.authenticatedAt ?? expect.fail('there is no session');
    expect(clock().epochMilliseconds - at.epochMilliseconds).toBeGreaterThan(10 * 60_000);
  });
});

describe('a callback is rejected', () => {
  const CLAIM = 'OAUTH_JWT_CLAIM_COMPARISON_FAILED';
  const INVALID = 'OAUTH_INVALID_RESPONSE';
  const expired = { exp: 1_600_000_000, iat: 1_599_999_000 };
  const FALSE_TOKENS: readonly [string, string, Falsify][] = [
    ['another issuer', `${CLAIM} iss`, (claims, sign) => sign({ ...claims, iss: 'https://other.example' })],
    ['another audience', `${CLAIM} aud`, (claims, sign) => sign({ ...claims, aud: 'another' })],
    ['another party', `${CLAIM} azp`, (claims, sign) => sign({ ...claims, aud: ['daybook', 'x'], azp: 'x' })],
    ['another nonce', `${CLAIM} nonce`, (claims, sign) => sign({ ...claims, nonce: 'another' })],
    ['no nonce', INVALID, ({ nonce: _, ...claims }, sign) => sign(claims)],
    ['the past', 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED exp', (claims, sign) => sign({ ...claims, ...expired })],
    ['the algorithm none', INVALID, (claims, sign) => sign(claims, 'none')],
    ['the algorithm HS256', INVALID, (claims, sign) => sign(claims, 'HS256')],
    ['a changed claim', INVALID, changeAfterSignature],
    ['another form', INVALID, () => 'not a token'],
    ['an empty subject', 'subject', (claims, sign) => sign({ ...claims, sub: '' })],
    ['a long subject', 'subject', (claims, sign) => sign({ ...claims, sub: 'x'.repeat(256) })],
  ];

  async function changeAfterSignature(...[claims, sign]: Parameters<Falsify>): Promise<string> {
    const [head, , signature] = (await sign(claims)).split('.');
    const changed = Buffer.from(JSON.stringify({ ...claims, roles: ['administrator'] })).toString('base64url');
    return `${head}.${changed}.${signature}`;
  }

  it('when its ID token is not one of this issuer, for this client and this sign-in', async () => {
    const { newBrowser, signIn, issuer, accountsFound, audited, log } = await startClinic();
    for (const [what, reason, falsify] of FALSE_TOKENS) {
      issuer.setFalsify(falsify);
      const browser = newBrowser();
      log.length = 0;
      const seen = await signIn(browser, doris);
      expect([seen.status, seen.text.includes('was not completed')], what).toEqual([400, true]);
      expect([what, log.join('')]).toEqual([what, expect.stringContaining(`"reason":"${reason}"`)]);
      expect(log.join('')).not.toContain('doris');
      expect(browser.cookies.has(COOKIE)).toBe(false);
    }
    expect([await accountsFound(), await audited()]).toEqual([[], FALSE_TOKENS.map(() => 'sign-in-failed foreign')]);
    issuer.setFalsify((claims, sign) => sign(claims));
    expect((await signIn(newBrowser(), doris)).status).toBe(303);
  });

  it('in another browser, and the first one can still end its sign-in', async () => {
    const { newBrowser, comeBack } = await startClinic();
    const [victim, attacker] = [newBrowser(), newBrowser()];
    const address = await comeBack(attacker, doris);
    expect((await victim.request(address)).status).toBe(400);
    // With a sign-in of its own on the way, too, which goes on.
    const own = await comeBack(victim, { ...doris, sub: 'vera' });
    expect((await victim.request(address)).status).toBe(400);
    expect((await victim.request(own)).status).toBe(303);
    expect((await attacker.request(address)).status).toBe(303);
  });

  it('when it is replayed, also with the cookie of before', async () => {
    const { newBrowser, comeBack, issuer } = await startClinic();
    const browser = newBrowser();
    const address = await comeBack(browser, doris);
    const cookies = new Map(browser.cookies);
    expect((await browser.request(address)).status).toBe(303);
    expect((await browser.request(address)).status).toBe(400);
    for (const [name, cookie] of cookies) browser.cookies.set(name, cookie);
    const before = issuer.requests.length;
    expect((await browser.request(address)).status).toBe(400);
    expect(issuer.requests).toHaveLength(before);
  });

  it('after ten minutes, and when its cookie was changed', async () => {
    const { newBrowser, comeBack, advance } = await startClinic();
    const browser = newBrowser();
    const address = await comeBack(browser, doris);
    const [name = '', cookie] = [...browser.cookies].find(([name]) => name.endsWith('-foreign')) ?? [];
    const { value, path } = cookie ?? expect.fail('there is no cookie');
    browser.cookies.set(name, { path, value: `${value.slice(0, -43)}${'A'.repeat(43)}` });
    expect((await browser.request(address)).status).toBe(400);
    browser.cookies.set(name, { path, value });
    advance({ minutes: 10 });
    expect((await browser.request(address)).status).toBe(400);
  });

  it.each([
    [
      'names another issuer, as in a mix-up of two',
      ({ searchParams }: URL) => searchParams.set('iss', 'https://o.example'),
    ],
    ['names no issuer though this one does', ({ searchParams }: URL) => searchParams.delete('iss')],
    ['names two issuers', ({ searchParams }: URL) => searchParams.append('iss', 'https://o.example')],
    ['has another state', ({ searchParams }: URL) => searchParams.set('state', 'A'.repeat(43))],
    ['has no state', ({ searchParams }: URL) => searchParams.delete('state')],
    ['has no code', ({ searchParams }: URL) => searchParams.delete('code')],
    ['has another code', ({ searchParams }: URL) => searchParams.set('code', 'A'.repeat(43))],
    ['has an error', ({ searchParams }: URL) => searchParams.set('error', 'access_denied')],
  ])('when it %s', async (_what, change) => {
    const { newBrowser, comeBack, accountsFound } = await startClinic();
    const browser = newBrowser();
    const address = new URL(await comeBack(browser, doris));
    change(address);
    const seen = await browser.request(address.href);
    expect([seen.status, seen.text.includes('Start again')]).toEqual([400, true]);
    expect(await accountsFound()).toEqual([]);
  });

  it('with the code of a sign-in in another browser, by PKCE and the nonce', async () => {
    const { newBrowser, comeBack } = await startClinic();
    const [victim, attacker] = [newBrowser(), newBrowser()];
    const stolen = new URL(await comeBack(victim, doris)).searchParams.get('code') ?? '';
    const address = new URL(await comeBack(attacker, { ...doris, sub: 'mallory' }));
    address.searchParams.set('code', stolen);
    expect((await attacker.request(address.href)).status).toBe(400);
    expect(attacker.cookies.has(COOKIE)).toBe(false);
  });

  it('and slowed down from one address', async () => {
    const { newBrowser, comeBack } = await startClinic();
    const browser = newBrowser();
    const statuses: number[] = [];
    for (let count = 0; count < 32; count += 1) {
      const away = new URL((await browser.request(START)).location ?? '');
      const state = away.searchParams.get('state') ?? '';
      statuses.push((await browser.request(`/identity/foreign/callback?code=x&state=${state}`)).status);
    }
    expect(statuses.slice(0, 30)).toEqual(Array(30).fill(400));
    expect(statuses.at(-1)).toBe(429);
    const other = newBrowser();
    expect((await other.request(await comeBack(other, doris))).status).toBe(303);
  });
});

describe('while the foreign issuer is away', () => {
  it('the service starts, and the page is a kind 503, until it is back', async () => {
    const issuer = await startForeignIssuer();
    issuer.setOutage((_request, response) => void response.writeHead(502).end());
    const { newBrowser, addPerson, signIn } = await startIdentity({ foreign: issuer.settings });
    const away = await newBrowser().request(START);
    expect([away.status, away.headers.get('retry-after')]).toEqual([503, '10']);
    expect(away.text).toContain('Signing in there does not work now');
    await signIn(newBrowser(), await addPerson());
    issuer.setOutage(undefined);
    await expect.poll(async () => (await newBrowser().request(START)).status, { timeout: 15_000 }).toBe(303);
  });

  it.each([
    ['responds with 500', 500, '{}'],
    ['sheds load', 429, '{}'],
    ['knows Daybook no longer', 401, '{"error":"invalid_client"}'],
    ['sends more than 256 KB', 200, `{"x":"${'x'.repeat(300_000)}"}`],
  ])('and %s, a callback gets 503 and no session', async (_what, status, body) => {
    const { newBrowser, comeBack, issuer } = await startClinic();
    const browser = newBrowser();
    const address = await comeBack(browser, doris);
    issuer.setOutage((_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    });
    const seen = await browser.request(address);
    expect([seen.status, seen.headers.get('retry-after')]).toEqual([503, '10']);
    expect(browser.cookies.has(COOKIE)).toBe(false);
  });

  it('and does not respond at all, a callback gets 503 within the deadline of a request', async () => {
    const { newBrowser, comeBack, issuer } = await startClinic();
    const browser = newBrowser();
    const address = await comeBack(browser, doris);
    issuer.setOutage(() => undefined);
    expect((await browser.request(address)).status).toBe(503);
  });
});

it('without a foreign issuer there are neither its pages nor its link', async () => {
  const { newBrowser } = await startIdentity();
  expect((await newBrowser().request(START)).status).toBe(404);
  expect((await newBrowser().request('/identity/foreign/callback')).status).toBe(404);
  expect((await newBrowser().request('/identity/sign-in')).text).not.toContain('foreign');
});
