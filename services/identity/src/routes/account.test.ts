import { newId } from '@daybook/database';
import { describe, expect, it } from 'vitest';
import { PASSWORD, startIdentity } from '../testing.ts';

const NEW_PASSWORD = 'orange ladder beneath the clouds';
const BIRTH_DATE = '1987-06-05';

async function startSignedIn() {
  const started = await startIdentity();
  const { addPerson, newBrowser, signIn } = started;
  const ana = await addPerson();
  const browser = newBrowser();
  await signIn(browser, ana);
  return { ...started, ana, browser };
}

describe('the change of a password', () => {
  it('needs the present one, ends all other sessions and keeps this one', async () => {
    const { ana, browser, newBrowser, signIn, sessions } = await startSignedIn();
    const other = newBrowser();
    await signIn(other, ana);
    const page = await browser.request('/identity/password');
    const wrong = await browser.submit(page, { present_password: 'another password', password: NEW_PASSWORD });
    expect([wrong.status, wrong.text.includes('The present password is wrong.')]).toEqual([422, true]);
    expect(await sessions.list(ana.id)).toHaveLength(2);
    const done = await browser.submit(page, { present_password: PASSWORD, password: NEW_PASSWORD });
    expect([done.status, done.text.includes('Your password is changed.')]).toEqual([200, true]);
    expect(await sessions.list(ana.id)).toHaveLength(1);
    expect((await browser.request('/identity/sessions')).status).toBe(200);
    expect((await other.request('/identity/sessions')).status).toBe(303);
    const fresh = newBrowser();
    const signInPage = await fresh.request('/identity/sign-in');
    expect((await fresh.submit(signInPage, { email: ana.email, password: PASSWORD })).status).toBe(422);
    expect((await fresh.submit(signInPage, { email: ana.email, password: NEW_PASSWORD })).status).toBe(303);
  });

  it('to a weak one is refused without an attempt', async () => {
    const { browser, verified } = await startSignedIn();
    const page = await browser.request('/identity/password');
    const before = verified.length;
    const weak = await browser.submit(page, { present_password: PASSWORD, password: 'passwordpassword' });
    expect([weak.status, weak.text.includes('easily guessed')]).toEqual([422, true]);
    expect(verified).toHaveLength(before);
  });

  it('is throttled like a sign-in', async () => {
    const { browser } = await startSignedIn();
    const page = await browser.request('/identity/password');
    const statuses: number[] = [];
    for (let count = 0; count < 12; count += 1) {
      statuses.push((await browser.submit(page, { present_password: `x${count}`, password: NEW_PASSWORD })).status);
    }
    expect([statuses[0], statuses.at(-1)]).toEqual([422, 429]);
  });

  it('needs a session', async () => {
    const { newBrowser } = await startSignedIn();
    expect((await newBrowser().request('/identity/password')).location).toContain('/identity/sign-in?return_to=');
  });
});

describe('the page that links a record', () => {
  async function startWithCode() {
    const started = await startSignedIn();
    const { callAs, addPerson } = started;
    const desk = await addPerson('front-desk', { email: 'desk@example.org' });
    const patientId = newId();
    const input = { patientId, birthDate: BIRTH_DATE, relation: 'self', identityCheck: 'photo-id' };
    const { body } = await (await callAs(desk))('POST', '/accounts/link-codes', input);
    return { ...started, patientId, code: (body as { code: string }).code };
  }

  it('links it to the account by the code and the birth date', async () => {
    const { browser, code, accounts, ana, patientId } = await startWithCode();
    const page = await browser.request('/identity/link-record');
    const done = await browser.submit(page, { code, birth_date: BIRTH_DATE });
    expect([done.status, done.text.includes('The record is linked to your account.')]).toEqual([200, true]);
    expect(await accounts.findClaims(ana.id)).toMatchObject({ patientIds: [patientId] });
  });

  it('is the same for a wrong code, a wrong birth date and a used code', async () => {
    const { browser, code, newBrowser, addPerson, signIn } = await startWithCode();
    const page = await browser.request('/identity/link-record');
    const texts = new Set<string>();
    const enter = async (entered: string, birth_date: string) => {
      const seen = await browser.submit(page, { code: entered, birth_date });
      expect(seen.status).toBe(422);
      texts.add(seen.text.replace(birth_date, 'DATE'));
    };
    await enter('0000-0000-0000-0000', BIRTH_DATE);
    await enter('', BIRTH_DATE);
    await enter(code, '1991-02-01');
    const bea = newBrowser();
    await signIn(bea, await addPerson('patient', { email: 'bea@example.org' }));
    await bea.submit(await bea.request('/identity/link-record'), { code, birth_date: BIRTH_DATE });
    await enter(code, BIRTH_DATE);
    expect(texts.size).toBe(1);
  });
});
