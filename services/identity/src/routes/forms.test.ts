import { describe, expect, it } from 'vitest';
import { PASSWORD, startIdentity, typedFormsIn } from '../testing.ts';

const SIGN_IN = '/identity/sign-in';
const SESSION = '__Host-daybook';

describe('a form', () => {
  it.each<[string, Record<string, string>]>([
    ['of another site, by its Origin', { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' }],
    ['of another site, by Sec-Fetch-Site', { 'sec-fetch-site': 'cross-site' }],
    ['of another host of the same site', { 'sec-fetch-site': 'same-site' }],
    ['of a sandboxed page', { origin: 'null', 'sec-fetch-site': 'cross-site' }],
  ])('%s is refused, even with the right token', async (_what, headers) => {
    const { addPerson, newBrowser } = await startIdentity();
    const { email } = await addPerson();
    const browser = newBrowser();
    const page = await browser.request(SIGN_IN);
    const form = { ...typedFormsIn(page.text)[0]?.fields, email, password: PASSWORD };
    const refused = await browser.request(SIGN_IN, { form, headers });
    expect([refused.status, refused.headers.get('content-type')]).toEqual([403, 'text/html; charset=utf-8']);
    expect(browser.cookies.has(SESSION)).toBe(false);
  });

  it.each<[string, (token: string) => string]>([
    ['without a token', () => ''],
    ['with another token', (token) => `${token.slice(1)}A`],
  ])('%s is refused', async (_what, change) => {
    const { addPerson, newBrowser } = await startIdentity();
    const { email } = await addPerson();
    const browser = newBrowser();
    const token = typedFormsIn((await browser.request(SIGN_IN)).text)[0]?.fields.form_token ?? '';
    const form = { email, password: PASSWORD, form_token: change(token) };
    expect((await browser.request(SIGN_IN, { form })).status).toBe(403);
  });

  it('with the token of another browser is refused', async () => {
    const { addPerson, newBrowser } = await startIdentity();
    const { email } = await addPerson();
    const [attacker, victim] = [newBrowser(), newBrowser()];
    const page = await attacker.request(SIGN_IN);
    await victim.request(SIGN_IN);
    expect((await victim.submit(page, { email, password: PASSWORD })).status).toBe(403);
  });

  it('of before a sign-in is refused after it', async () => {
    const { addPerson, newBrowser, signIn } = await startIdentity();
    const ana = await addPerson();
    const browser = newBrowser();
    const before = await browser.request(SIGN_IN);
    await signIn(browser, ana);
    expect((await browser.submit(before, { email: ana.email, password: PASSWORD })).status).toBe(403);
  });

  it('with a field that is there twice is refused', async () => {
    const { newBrowser, baseUrl } = await startIdentity();
    const browser = newBrowser();
    const token = typedFormsIn((await browser.request(SIGN_IN)).text)[0]?.fields.form_token ?? '';
    const response = await fetch(new URL(SIGN_IN, baseUrl), {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `form_token=${token}&email=a&email=b&password=c`,
    });
    expect(response.status).toBe(400);
  });

  it.each([
    ['too large', 'application/x-www-form-urlencoded', `email=${'a'.repeat(9_000)}`, 413],
    ['JSON', 'application/json', '{"email":"a","password":"b","form_token":"c"}', 415],
    ['incomplete', 'application/x-www-form-urlencoded', 'email=a', 400],
    ['unknown fields', 'application/x-www-form-urlencoded', 'email=a&password=b&form_token=c&role=administrator', 400],
  ])('that is %s is refused with a page', async (_what, type, body, status) => {
    const { baseUrl } = await startIdentity();
    const response = await fetch(new URL(SIGN_IN, baseUrl), {
      method: 'POST',
      headers: { 'content-type': type },
      body,
    });
    expect([response.status, response.headers.get('content-type')]).toEqual([status, 'text/html; charset=utf-8']);
  });
});

describe('the session', () => {
  it('gets a new id at each sign-in, and an id that was there before opens nothing', async () => {
    const { addPerson, newBrowser, signIn, sessions } = await startIdentity();
    const ana = await addPerson();
    const browser = newBrowser();
    // An attacker has planted an id in the browser.
    const planted = 'p'.repeat(43);
    browser.cookies.set(SESSION, { value: planted, path: '/' });
    await signIn(browser, ana);
    const first = browser.cookies.get(SESSION)?.value ?? '';
    expect(first).not.toBe(planted);
    expect(await sessions.find(planted, { isActive: false })).toBeUndefined();
    await signIn(browser, ana);
    expect(browser.cookies.get(SESSION)?.value).not.toBe(first);
    expect(await sessions.find(first, { isActive: false })).toBeUndefined();
    expect(await sessions.list(ana.id)).toHaveLength(1);
  });

  it('is in a cookie that scripts, other hosts and unencrypted requests do not get', async () => {
    const { addPerson, newBrowser } = await startIdentity();
    const { email } = await addPerson();
    const browser = newBrowser();
    const page = await browser.request(SIGN_IN);
    const { headers } = await browser.submit(page, { email, password: PASSWORD });
    const line = headers.getSetCookie().find((one) => one.startsWith(`${SESSION}=`));
    expect(line).toMatch(/^__Host-daybook=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Secure$/);
  });
});

describe('every page', () => {
  it('loads nothing but its own style and the script of passkeys, and is in no frame', async () => {
    const { newBrowser } = await startIdentity();
    for (const path of [SIGN_IN, '/identity/link?token=x', '/identity/interaction/x', '/identity/sign-in?x=y']) {
      const { headers, text } = await newBrowser().request(path);
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toMatch(
        /^default-src 'none'; style-src 'sha256-[\w+/]+='; (?:script-src 'self'; )?form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/,
      );
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      const inert = text.replace(/<script src="\/identity\/passkey-\w{16}\.js" defer><\/script>/, '');
      expect(inert).not.toMatch(/<script|\son\w+=|style=/);
      expect(policy.includes('script-src')).toBe(inert !== text);
      const [style = ''] = /(?<=<style>)[^<]*/.exec(text) ?? [];
      const { createHash } = await import('node:crypto');
      expect(policy).toContain(createHash('sha256').update(style).digest('base64'));
    }
  });

  it('labels its fields, and marks their purpose for browsers', async () => {
    const { newBrowser } = await startIdentity();
    const { text } = await newBrowser().request(SIGN_IN);
    expect(text).toContain('<html lang="en" dir="ltr">');
    expect(text).toMatch(
      /<label for="email">.*<input id="email" name="email" type="email" value="" autocomplete="username"/s,
    );
    expect(text).toMatch(/<label for="password">.*<input id="password"[^>]* autocomplete="current-password"/s);
  });

  it('is not compressed, so that its length does not reveal the token', async () => {
    const { newBrowser } = await startIdentity();
    const { headers } = await newBrowser().request(SIGN_IN, { headers: { 'accept-encoding': 'gzip, br' } });
    expect(headers.get('content-encoding')).toBeNull();
  });

  it('has the address of this service only', async () => {
    const { baseUrl } = await startIdentity();
    const { request } = await import('node:http');
    const status = await new Promise<number | undefined>((resolve, reject) => {
      request(new URL(SIGN_IN, baseUrl), { headers: { host: 'evil.example' } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(421);
  });
});
