import { describe, expect, it } from 'vitest';
import { type Browser, formTo, newAccount, PUBLIC_URL, type Seen, startIdentity } from '../testing.ts';
import { createAuthenticator } from '../testing-authenticator.ts';

const ADD = '/identity/passkeys/add';
const SIGN_IN = '/identity/passkey/sign-in';
const SESSION = '__Host-daybook';

/** Returns the options that a page gives to the browser, as the browser reads the attribute. */
const optionsOn = ({ text }: Seen): string =>
  (/data-options="([^"]+)"/.exec(text)?.[1] ?? expect.fail('the page has no passkey')).replaceAll('&quot;', '"');

async function startWithPasskey({ role = 'doctor' as 'doctor' | 'patient', hasCounter = false } = {}) {
  const started = await startIdentity();
  const { addPerson, newBrowser, signIn } = started;
  const person = await addPerson(role);
  const authenticator = createAuthenticator(PUBLIC_URL, { hasCounter });
  const browser = newBrowser();
  await signIn(browser, person);
  const send = (to: Browser, page: Seen, path: string, response: string, more = {}) => {
    const { action, fields } = formTo(page, path);
    return to.request(action, { form: { ...fields, response, ...more } });
  };
  const list = await browser.request('/identity/passkeys');
  const register = (response = authenticator.create(optionsOn(list))) => send(browser, list, ADD, response);
  /** Signs in with a passkey in another browser. */
  async function signInWith(settings: Parameters<typeof authenticator.get>[1] = {}, to = newBrowser()) {
    const page = await to.request('/identity/sign-in');
    const response = authenticator.get(optionsOn(page), settings);
    return { to, page, response, result: await send(to, page, SIGN_IN, response) };
  }
  return { ...started, person, browser, authenticator, list, register, send, signInWith };
}

describe('a passkey', () => {
  it('is added on the account page, and signs its person in without a name, a password or a code', async () => {
    const { register, signInWith, browser, sessions, person } = await startWithPasskey();
    expect((await register()).location).toBe(`${PUBLIC_URL}/identity/passkeys`);
    expect((await browser.request('/identity/passkeys')).text).toContain('Firefox on Linux');
    const { to, result } = await signInWith();
    expect(result.location).toBe(`${PUBLIC_URL}/identity/sessions`);
    expect((await to.request('/identity/sessions')).text).toContain('You are Ana Silva');
    expect((await sessions.list(person.id)).map(({ methods }) => methods)).toContainEqual(['pop']);
  });

  it('leads on to where the person came from', async () => {
    const { register, newBrowser, authenticator, send } = await startWithPasskey();
    await register();
    const to = newBrowser();
    const page = await to.request('/identity/sign-in?return_to=/book');
    const { location } = await send(to, page, SIGN_IN, authenticator.get(optionsOn(page)));
    expect(location).toBe(`${PUBLIC_URL}/book`);
  });

  it.each([
    ['that was not unlocked', { isVerified: false }],
    ['used on a page of another site', { origin: 'https://daybook.example.evil.example' }],
  ])('%s neither signs in nor is added', async (_what, settings) => {
    const { register, signInWith, authenticator, list, browser, send } = await startWithPasskey();
    expect((await send(browser, list, ADD, authenticator.create(optionsOn(list), settings))).status).toBe(422);
    await register();
    const { to, result } = await signInWith(settings);
    expect(result.status).toBe(422);
    expect(to.cookies.has(SESSION)).toBe(false);
  });

  it('with another key is refused', async () => {
    const { register, signInWith, authenticator } = await startWithPasskey();
    await register();
    authenticator.forge();
    expect((await signInWith()).result.status).toBe(422);
  });

  it('with a counter that does not rise, as of a copy, is refused', async () => {
    const { register, signInWith, authenticator } = await startWithPasskey({ hasCounter: true });
    await register();
    expect((await signInWith()).result.status).toBe(303);
    authenticator.rewind(1);
    expect((await signInWith()).result.status).toBe(422);
  });

  it('of a disabled account is refused', async () => {
    const { register, signInWith, accounts, person } = await startWithPasskey();
    await register();
    await accounts.setStatus(person.id, 'disabled');
    expect((await signInWith()).result.status).toBe(422);
  });

  it('that is removed no longer signs in', async () => {
    const { register, signInWith, browser } = await startWithPasskey();
    await register();
    const page = await browser.request('/identity/passkeys');
    const { action, fields } = formTo(page, '/identity/passkeys/remove');
    expect((await browser.request(action, { form: fields })).status).toBe(303);
    expect((await signInWith()).result.status).toBe(422);
  });

  it('that is the only credential is not removed', async () => {
    const { register, browser, database } = await startWithPasskey();
    await register();
    await database.write((tx) => tx.deleteFrom('passwords').execute());
    const { action, fields } = formTo(await browser.request('/identity/passkeys'), '/identity/passkeys/remove');
    const refused = await browser.request(action, { form: fields });
    expect([refused.status, refused.text.includes('only way to sign in')]).toEqual([422, true]);
  });
});

describe('a response', () => {
  it('signs in once, even in the same browser', async () => {
    const { register, newBrowser, authenticator, send } = await startWithPasskey();
    await register();
    const browser = newBrowser();
    const page = await browser.request('/identity/sign-in');
    const cookies = new Map(browser.cookies);
    const response = authenticator.get(optionsOn(page));
    expect((await send(browser, page, SIGN_IN, response)).status).toBe(303);
    browser.cookies.clear();
    for (const [name, cookie] of cookies) browser.cookies.set(name, cookie);
    expect((await send(browser, page, SIGN_IN, response)).status).toBe(409);
    expect(browser.cookies.has(SESSION)).toBe(false);
  });

  it('is for one browser, and for 15 minutes', async () => {
    const { register, newBrowser, authenticator, send, advance } = await startWithPasskey();
    await register();
    const [victim, attacker] = [newBrowser(), newBrowser()];
    const page = await victim.request('/identity/sign-in');
    const response = authenticator.get(optionsOn(page));
    const theirs = await attacker.request('/identity/sign-in');
    expect((await send(attacker, theirs, SIGN_IN, response)).status).toBe(422);
    advance({ minutes: 15 });
    expect((await send(victim, page, SIGN_IN, response)).status).toBe(422);
  });

  it.each([
    ['text', 'x'],
    ['of another form', '{"id":"x"}'],
    ['without a signature', '{"id":"eA","rawId":"eA","type":"public-key","clientExtensionResults":{},"response":{}}'],
  ])('that is %s is refused', async (_what, response) => {
    const { newBrowser, send, browser, list } = await startWithPasskey();
    const to = newBrowser();
    expect((await send(to, await to.request('/identity/sign-in'), SIGN_IN, response)).status).toBe(422);
    expect((await send(browser, list, ADD, response)).status).toBe(422);
  });

  it('that was made to sign in does not add a passkey', async () => {
    const { newBrowser, authenticator, send, browser, list } = await startWithPasskey();
    const page = await newBrowser().request('/identity/sign-in');
    const { challenge } = JSON.parse(optionsOn(page));
    const options = JSON.stringify({ ...JSON.parse(optionsOn(list)), challenge });
    expect((await send(browser, list, ADD, authenticator.create(options))).status).toBe(422);
  });
});

it('the page of passkeys needs a sign-in of the last ten minutes', async () => {
  const { browser, advance, person, newBrowser, list, authenticator, send } = await startWithPasskey({
    role: 'patient',
  });
  const response = authenticator.create(optionsOn(list));
  advance({ minutes: 11 });
  const stepUp = `${PUBLIC_URL}/identity/sign-in?step_up=1&return_to=%2Fidentity%2Fpasskeys`;
  expect((await browser.request('/identity/passkeys')).location).toBe(stepUp);
  expect((await send(browser, list, ADD, response)).location).toBe(stepUp);
  const before = browser.cookies.get(SESSION)?.value;
  const page = await browser.request(stepUp);
  expect(page.text).toContain(`value="${person.email}"`);
  expect(page.text).toContain('Sign in again to show that it is still you.');
  const { fields } = formTo(page, '/identity/sign-in');
  const form = { ...fields, email: person.email, password: 'violet teapot over the harbour' };
  const done = await browser.follow(await browser.request('/identity/sign-in', { form }));
  expect(done.text).toContain('<h1>Passkeys</h1>');
  expect(browser.cookies.get(SESSION)?.value).not.toBe(before);
  expect((await newBrowser().request('/identity/passkeys')).location).toContain('/identity/sign-in?return_to=');
});

it('an invited person sets up the account with a passkey, and a recovered one loses all other credentials', async () => {
  const { accounts, links, newBrowser, send, passkeys, sessions } = await startWithPasskey();
  const { id: accountId } = await accounts.create(
    newAccount({ role: 'front-desk', status: 'invited', email: 'desk@example.org' }),
  );
  for (const purpose of ['invitation', 'recovery'] as const) {
    const authenticator = createAuthenticator(PUBLIC_URL);
    const browser = newBrowser();
    const page = await browser.request(`/identity/link?token=${await links.create({ purpose, accountId })}`);
    const sent = authenticator.create(optionsOn(page));
    const done = await send(browser, page, '/identity/passkey/set-up', sent);
    expect(done.location).toBe(`${PUBLIC_URL}/identity/sessions`);
    expect(await passkeys.list(accountId)).toHaveLength(1);
    expect(await sessions.list(accountId)).toHaveLength(1);
    expect((await send(browser, page, '/identity/passkey/set-up', sent)).status).not.toBe(303);
  }
  expect(await accounts.find(accountId)).toMatchObject({ status: 'active' });
});

it('the script is a file of this site, and a page of passkeys allows no other', async () => {
  const { list, newBrowser } = await startWithPasskey();
  expect(list.headers.get('content-security-policy')).toMatch(
    /^default-src 'none'; style-src 'sha256-[\w+/]+='; script-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/,
  );
  const [path = ''] = /\/identity\/passkey-\w+\.js/.exec(list.text) ?? [];
  const script = await newBrowser().request(path);
  expect(script.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
  expect(script.text).toContain('navigator.credentials');
  expect(list.text.replace(/<script src="\/identity\/passkey-\w+\.js" defer><\/script>/, '')).not.toContain('<script');
});
