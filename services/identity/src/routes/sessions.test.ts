import { expect, it } from 'vitest';
import { formTo, PUBLIC_URL, startIdentity } from '../testing.ts';

const SESSIONS = '/identity/sessions';

it('a person sees each session, and ends one of them', async () => {
  const { addPerson, newBrowser, signIn } = await startIdentity();
  const ana = await addPerson();
  const [phone, laptop] = [newBrowser(), newBrowser()];
  await signIn(phone, ana);
  await signIn(laptop, ana);
  const page = await laptop.request(SESSIONS);
  expect(page.text.match(/Firefox on Linux<\/strong>/g)).toHaveLength(2);
  expect(page.text.match(/this one/g)).toHaveLength(1);
  expect((await laptop.submit(page, {})).location).toBe(`${PUBLIC_URL}${SESSIONS}`);
  expect((await phone.request(SESSIONS)).location).toContain('/identity/sign-in');
  expect((await laptop.request(SESSIONS)).status).toBe(200);
});

it('a person ends all other sessions together', async () => {
  const { addPerson, newBrowser, signIn, sessions } = await startIdentity();
  const ana = await addPerson();
  const browsers = [newBrowser(), newBrowser(), newBrowser()] as const;
  for (const browser of browsers) await signIn(browser, ana);
  const page = await browsers[0].request(SESSIONS);
  const { fields } = formTo(page, `${SESSIONS}/end-others`);
  await browsers[0].request(`${SESSIONS}/end-others`, { form: fields });
  expect(await sessions.list(ana.id)).toHaveLength(1);
  expect((await browsers[0].request(SESSIONS)).status).toBe(200);
});

it('a person cannot end a session of another person', async () => {
  const { addPerson, newBrowser, signIn, sessions } = await startIdentity();
  const [ana, bea] = [await addPerson(), await addPerson('patient', { email: 'bea@example.org' })];
  const [one, other] = [newBrowser(), newBrowser()];
  await signIn(one, ana);
  await signIn(other, bea);
  const handle = (await sessions.list(bea.id))[0]?.handle ?? '';
  const { fields } = formTo(await one.request(SESSIONS), '/identity/sign-out');
  await one.request(`${SESSIONS}/end`, { form: { form_token: fields.form_token ?? '', session: handle } });
  expect(await sessions.list(bea.id)).toHaveLength(1);
});

it('signing out ends the session, here and in the database', async () => {
  const { addPerson, newBrowser, signIn, sessions } = await startIdentity();
  const ana = await addPerson();
  const browser = newBrowser();
  await signIn(browser, ana);
  const id = browser.cookies.get('__Host-daybook')?.value ?? '';
  const { fields } = formTo(await browser.request(SESSIONS), '/identity/sign-out');
  const signedOut = await browser.request('/identity/sign-out', { form: fields });
  expect([signedOut.status, signedOut.text.includes('You are signed out')]).toEqual([200, true]);
  expect(browser.cookies.has('__Host-daybook')).toBe(false);
  expect(await sessions.find(id, { isActive: false })).toBeUndefined();
});

it('signing out needs a form of ours', async () => {
  const { addPerson, newBrowser, signIn, sessions } = await startIdentity();
  const ana = await addPerson();
  const browser = newBrowser();
  await signIn(browser, ana);
  const refused = await browser.request('/identity/sign-out', { form: { form_token: 'guessed' } });
  expect(refused.status).toBe(403);
  expect(await sessions.list(ana.id)).toHaveLength(1);
});
